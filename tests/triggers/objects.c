// objects OPERATION…: does one thing each with an object of the kernel (a file, a socket, credentials, …) and says what
// it did it with. What a policy must be able to name before the program runs is fixed: the names of files (objects-*,
// in a new folder), port 47113, the ids 1234 to 1236, texts.
#include <arpa/inet.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "objects_probes.h"
#include "truth.h"

enum { PORT = 47113 };

static const char* folder;

static const char* path_of(const char* name) {
  static char path[PATH_MAX];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  return path;
}

static void begin(const char* name) {
  fact_begin(name);
  fact_int("pid", outer_pid());
  fact_text("folder", folder);
}

static void tell_file(const char* name, const char* path) {
  struct stat st;
  if (stat(path, &st)) broken(path);
  begin(name);
  fact_text("path", path);
  fact_int("mode", st.st_mode);
  fact_end();
}

static int new_file(const char* name, mode_t mode) {
  int fd = open(path_of(name), O_CREAT | O_RDWR, mode);
  if (fd < 0 || fchmod(fd, mode)) broken(name);
  return fd;
}

// In a child, whose end it waits for: what it changes of itself ends with it.
static void in_child(void (*work)(void)) {
  pid_t pid = fork();
  if (pid < 0) broken("fork");
  if (pid == 0) {
    work();
    _exit(0);
  }
  wait_for(pid);
}

// One write and one read of a file.
static void do_file(void) {
  int fd = new_file("objects-file", 0640);
  if (write(fd, "abc", 3) != 3) broken("write");
  char buffer[8];
  if (pread(fd, buffer, sizeof(buffer), 0) != 3) broken("read");
  tell_file("file", path_of("objects-file"));
  close(fd);
}

static void do_truncate(void) {
  close(new_file("objects-truncate", 0600));
  if (truncate(path_of("objects-truncate"), 7)) broken("truncate");
  tell_file("truncate", path_of("objects-truncate"));
}

static void do_unlink(void) {
  close(new_file("objects-unlink", 0604));
  tell_file("unlink", path_of("objects-unlink"));
  if (unlink(path_of("objects-unlink"))) broken("unlink");
}

// Folders, pipes and files, for FileType.
static void do_types(void) {
  char byte;
  if (mkfifo(path_of("objects-types-fifo"), 0600)) broken("mkfifo");
  int fifo = open(path_of("objects-types-fifo"), O_RDWR), file = new_file("objects-types-file", 0600);
  if (fifo < 0 || write(fifo, "x", 1) != 1 || read(fifo, &byte, 1) != 1 || write(file, "x", 1) != 1) broken("types");
  close(fifo);
  close(file);
}

static void exec_noop(void) {
  execl(path_of("objects-exec"), "objects-exec", "given", NULL);
  broken("exec");
}

static void do_exec(void) {
  char noop[PATH_MAX];
  snprintf(noop, sizeof(noop), "%snoop", trigger_folder());
  copy_file(noop, path_of("objects-exec"), 0755);
  in_child(exec_noop);
  tell_file("exec", path_of("objects-exec"));
}

static void change_ids(void) {
  if (syscall(SYS_setresgid, 2234, 2235, 2236) || syscall(SYS_setresuid, 1234, 1235, 1236)) broken("setresuid");
}

static void do_cred(void) { in_child(change_ids); }

static void change_root(void) {
  if (chroot("/")) broken("chroot");
}

static void do_chroot(void) {
  struct stat st;
  if (stat("/proc/self/ns/user", &st)) broken("/proc/self/ns/user");
  in_child(change_root);
  begin("chroot");
  fact_uint("user_ns", st.st_ino);
  fact_end();
}

static void drop_capability(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  syscall(SYS_getsid, -76);
  if (syscall(SYS_capget, &header, data)) broken("capget");
  data[0].inheritable = 0, data[1].inheritable = 0;
  data[0].effective = 1u << CAP_SYS_CHROOT | 1u << CAP_KILL, data[1].effective = 0;
  if (syscall(SYS_capset, &header, data)) broken("capset");
  begin("capset");
  fact_uint("effective", data[0].effective);
  fact_uint("permitted", data[0].permitted | (unsigned long long)data[1].permitted << 32);
  fact_end();
  syscall(SYS_getsid, -77);
}

static void do_capset(void) { in_child(drop_capability); }

static struct sockaddr_in loopback(uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static void do_tcp(void) {
  struct sockaddr_in there = loopback(PORT), here;
  int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(listener, (struct sockaddr*)&there, sizeof(there)) || listen(listener, 1)) broken("listen");
  if (connect(client, (struct sockaddr*)&there, sizeof(there))) broken("connect");
  socklen_t size = sizeof(here);
  getsockname(client, (struct sockaddr*)&here, &size);
  begin("tcp");
  fact_int("sport", ntohs(here.sin_port));
  fact_end();
  close(client);
  close(listener);
}

static void do_udp(void) {
  struct sockaddr_in there = loopback(PORT), here;
  int fd = socket(AF_INET, SOCK_DGRAM, 0), receiver = socket(AF_INET, SOCK_DGRAM, 0);
  if (bind(receiver, (struct sockaddr*)&there, sizeof(there))) broken("bind");
  if (sendto(fd, "datagram", 8, 0, (struct sockaddr*)&there, sizeof(there)) != 8) broken("sendto");
  socklen_t size = sizeof(here);
  getsockname(fd, (struct sockaddr*)&here, &size);
  begin("udp");
  fact_int("sport", ntohs(here.sin_port));
  fact_int("len", 20 + 8 + 8);
  fact_end();
  close(fd);
  close(receiver);
}

// A path and an abstract name; nobody listens at either.
static void do_unix(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/objects-socket"};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  connect(fd, (struct sockaddr*)&address, sizeof(address));
  memset(address.sun_path, 0, sizeof(address.sun_path));
  memcpy(address.sun_path + 1, "objects-abstract", 16);
  connect(fd, (struct sockaddr*)&address, offsetof(struct sockaddr_un, sun_path) + 17);
  close(fd);
}

// Marked by their file, whose descriptor is told: a read into a buffer and a gather write.
static void do_buffers(void) {
  int fd = new_file("objects-buffers", 0600);
  struct iovec parts[3] = {{"gather", 6}, {"-", 1}, {"write", 5}};
  if (syscall(SYS_writev, fd, parts, 3) != 12) broken("writev");
  char buffer[64];
  lseek(fd, 0, SEEK_SET);
  if (syscall(SYS_read, fd, buffer, sizeof(buffer)) != 12) broken("read");
  begin("buffers");
  fact_int("fd", fd);
  fact_text("path", path_of("objects-buffers"));
  fact_end();
  close(fd);
}

static int call_bpf(int command, union bpf_attr* attr) { return syscall(SYS_bpf, command, attr, sizeof(*attr)); }

static void do_bpf(void) {
  struct bpf_insn code[2] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
                             {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr attr;
  memset(&attr, 0, sizeof(attr));
  attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  attr.insn_cnt = 2;
  attr.insns = (uint64_t)(uintptr_t)code;
  attr.license = (uint64_t)(uintptr_t) "GPL";
  strcpy(attr.prog_name, "objects_prog");
  int program = call_bpf(BPF_PROG_LOAD, &attr);
  if (program < 0) broken("BPF_PROG_LOAD");
  memset(&attr, 0, sizeof(attr));
  attr.map_type = BPF_MAP_TYPE_ARRAY;
  attr.key_size = 4, attr.value_size = 24, attr.max_entries = 3;
  strcpy(attr.map_name, "objects_map");
  int map = call_bpf(BPF_MAP_CREATE, &attr);
  if (map < 0) broken("BPF_MAP_CREATE");
  close(program);
  close(map);
}

static void do_perf(void) {
  struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
                                 .size = sizeof(attr),
                                 .config = PERF_COUNT_SW_PAGE_FAULTS,
                                 .disabled = 1,
                                 .exclude_kernel = 1};
  int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
  if (fd < 0) unsupported("perf_event_open");
  close(fd);
}

static void mount_tmpfs(void) {
  if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) broken("unshare");
  if (mkdir(path_of("objects-mount"), 0755)) broken("mkdir");
  if (mount("objects-device", path_of("objects-mount"), "tmpfs", MS_NODEV, NULL)) broken("mount");
}

static void do_mount(void) {
  in_child(mount_tmpfs);
  tell_file("mount", path_of("objects-mount"));
  rmdir(path_of("objects-mount"));
}

static void nothing(void) {}
static void do_task(void) { in_child(nothing); }

static void leave_namespace(void) {
  syscall(SYS_getsid, -78);
  if (unshare(CLONE_NEWUTS)) broken("unshare");
  syscall(SYS_getsid, -78);
}
static void do_namespace(void) {
  struct stat st;
  if (stat("/proc/self/ns/uts", &st)) broken("/proc/self/ns/uts");
  begin("namespace");
  fact_uint("uts", st.st_ino);
  fact_end();
  in_child(leave_namespace);
}

// One child with other ids that asks for something harmless.
static void other_ids(void) {
  change_ids();
  syscall(SYS_getsid, -79);
}
static void do_ids(void) {
  syscall(SYS_getsid, -79);
  in_child(other_ids);
}

static void do_probes(void) {
  call_number_probes();
  call_text_probes();
  call_static_probe();
}

static void do_stack(void) { stack_outer(); }

// Calls with 1, 2, 3, … every millisecond or so until standard input ends, and says how far it came.
static void do_count(void) {
  unsigned long number = 0;
  struct pollfd input = {.fd = 0, .events = POLLIN};
  while (poll(&input, 1, 1) == 0) {
    number++;
    probed_count(number, "counted", (int)number);
  }
  begin("count");
  fact_uint("counted", number);
  fact_end();
}

// Stays until standard input ends: who reads the memory map of a process must find one.
static void do_wait(void) {
  char c;
  while (read(0, &c, 1) > 0) {
  }
}

static const struct {
  const char* name;
  void (*run)(void);
} operations[] = {
    {"file", do_file}, {"truncate", do_truncate},   {"unlink", do_unlink}, {"types", do_types},   {"exec", do_exec},
    {"cred", do_cred}, {"chroot", do_chroot},       {"capset", do_capset}, {"tcp", do_tcp},       {"udp", do_udp},
    {"unix", do_unix}, {"buffers", do_buffers},     {"bpf", do_bpf},       {"perf", do_perf},     {"mount", do_mount},
    {"task", do_task}, {"namespace", do_namespace}, {"ids", do_ids},       {"probes", do_probes}, {"stack", do_stack},
    {"wait", do_wait}, {"count", do_count},
};

int main(int argc, char** argv) {
  // Before 5.11 programs and maps are charged against it.
  const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &all);
  folder = make_folder();
  for (int i = 1; i < argc; i++) {
    size_t at = 0;
    while (at < sizeof(operations) / sizeof(*operations) && strcmp(argv[i], operations[at].name)) at++;
    if (at == sizeof(operations) / sizeof(*operations)) {
      fprintf(stderr, "no operation %s\n", argv[i]);
      return 2;
    }
    operations[at].run();
  }
  static const char* const made[] = {"file", "truncate", "types-fifo", "types-file", "exec", "buffers"};
  for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
    char name[64];
    snprintf(name, sizeof(name), "objects-%s", made[i]);
    unlink(path_of(name));
  }
  rmdir(folder);
  return 0;
}
