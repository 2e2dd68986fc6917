#include "truth.h"

#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

static struct {
  char* data;
  size_t size, capacity;
} line;

static void put(const void* data, size_t size) {
  if (line.size + size > line.capacity) {
    line.capacity = (line.size + size) * 2 + 4096;
    line.data = realloc(line.data, line.capacity);
    if (!line.data) _exit(70);
  }
  memcpy(line.data + line.size, data, size);
  line.size += size;
}

static void put_format(const char* format, ...) {
  char text[128];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  put(text, n < (int)sizeof(text) ? n : (int)sizeof(text) - 1);
}

static void put_escaped(const char* text) {
  put("\"", 1);
  for (const unsigned char* c = (const unsigned char*)text; *c; c++) {
    if (*c < 0x20 || *c > 0x7e || *c == '"' || *c == '\\')
      put_format("\\u%04x", *c);
    else
      put(c, 1);
  }
  put("\"", 1);
}

static void put_key(const char* key) {
  put(",", 1);
  put_escaped(key);
  put(":", 1);
}

void fact_begin(const char* name) {
  line.size = 0;
  put("{\"fact\":", 8);
  put_escaped(name);
}

void fact_int(const char* key, long long value) {
  put_key(key);
  put_format("%lld", value);
}

void fact_uint(const char* key, unsigned long long value) {
  put_key(key);
  put_format("%llu", value);
}

void fact_text(const char* key, const char* text) {
  put_key(key);
  put_escaped(text);
}

void fact_hex(const char* key, const void* data, size_t size) {
  static const char digits[] = "0123456789abcdef";
  put_key(key);
  put("\"", 1);
  for (size_t i = 0; i < size; i++) {
    unsigned char c = ((const unsigned char*)data)[i];
    char two[2] = {digits[c >> 4], digits[c & 15]};
    put(two, 2);
  }
  put("\"", 1);
}

void fact_end(void) {
  put("}\n", 2);
  for (size_t done = 0; done < line.size;) {
    ssize_t n = write(1, line.data + done, line.size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(70);
    done += n;
  }
  line.size = 0;
}

void broken(const char* what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  _exit(70);
}

void unsupported(const char* why) {
  int error = errno;
  fact_begin("unsupported");
  fact_text("why", why);
  fact_int("errno", error);
  fact_text("error", strerror(error));
  fact_end();
  _exit(77);
}

// A whole file of /proc, NUL-terminated; NULL when it cannot be read. Kept until the process ends.
static char* read_proc(const char* path, size_t* size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  char* data = NULL;
  size_t used = 0, capacity = 0;
  for (;;) {
    if (used + 4096 > capacity) {
      capacity = capacity ? capacity * 2 : 8192;
      data = realloc(data, capacity);
      if (!data) _exit(70);
    }
    ssize_t n = read(fd, data + used, capacity - used - 1);
    if (n <= 0) break;
    used += n;
  }
  close(fd);
  data[used] = 0;
  if (size) *size = used;
  return data;
}

pid_t outer_pid(void) {
  char text[32];
  ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);
  if (n <= 0) return getpid();
  text[n] = 0;
  return atoi(text);
}

const char* trigger_folder(void) {
  static char folder[4096];
  ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
  if (n <= 0) broken("/proc/self/exe");
  folder[n] = 0;
  strrchr(folder, '/')[1] = 0;
  return folder;
}

const char* self_path(void) {
  static char path[4200];
  snprintf(path, sizeof(path), "%sself", trigger_folder());
  return path;
}

void copy_to_fd(const char* from, int fd) {
  char buffer[65536];
  int in = open(from, O_RDONLY | O_CLOEXEC);
  if (in < 0) broken(from);
  ssize_t n;
  while ((n = read(in, buffer, sizeof(buffer))) > 0)
    if (write(fd, buffer, n) != n) broken("write");
  close(in);
}

void copy_file(const char* from, const char* to, mode_t mode) {
  int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
  if (out < 0) broken(to);
  copy_to_fd(from, out);
  if (fchmod(out, mode)) broken("fchmod");
  close(out);
}

char* make_folder(void) {
  static char path[4096];
  const char* base = getenv("TMPDIR");
  snprintf(path, sizeof(path), "%s/trigon-trigger.XXXXXX", base ? base : "/tmp");
  if (!mkdtemp(path)) broken(path);
  return path;
}

int wait_for(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) broken("waitpid");
  return status;
}

uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

void fact_child(const char* what, pid_t pid, int status) {
  fact_begin("child");
  fact_text("what", what);
  fact_int("pid", pid);
  if (WIFEXITED(status)) fact_int("exited", WEXITSTATUS(status));
  if (WIFSIGNALED(status)) fact_int("signal", WTERMSIG(status));
  fact_end();
}

// "Name:\tvalue" of /proc/self/status.
static const char* status_value(const char* status, const char* name) {
  char key[64];
  snprintf(key, sizeof(key), "\n%s:", name);
  const char* found = status ? strstr(status, key) : NULL;
  return found ? found + strlen(key) : NULL;
}

static void fact_four(const char* status, const char* name, const char* keys[4]) {
  unsigned value[4];
  const char* text = status_value(status, name);
  if (!text || sscanf(text, "%u %u %u %u", &value[0], &value[1], &value[2], &value[3]) != 4) return;
  for (int i = 0; i < 4; i++) fact_uint(keys[i], value[i]);
}

static void fact_identity(const char* status) {
  static const char *uids[4] = {"uid", "euid", "suid", "fsuid"}, *gids[4] = {"gid", "egid", "sgid", "fsgid"};
  static const char* caps[][2] = {{"CapInh", "cap_inheritable"},
                                  {"CapPrm", "cap_permitted"},
                                  {"CapEff", "cap_effective"},
                                  {"CapBnd", "cap_bounding"},
                                  {"CapAmb", "cap_ambient"}};
  fact_four(status, "Uid", uids);
  fact_four(status, "Gid", gids);
  for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
    const char* text = status_value(status, caps[i][0]);
    if (text) fact_uint(caps[i][1], strtoull(text, NULL, 16));
  }
  char* text = read_proc("/proc/self/loginuid", NULL);
  if (text && *text) fact_uint("loginuid", strtoull(text, NULL, 10));
}

static void fact_namespaces(void) {
  static const char* names[] = {"uts", "ipc", "mnt", "pid", "net", "time", "cgroup", "user"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    char path[64], key[64];
    struct stat info;
    snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
    snprintf(key, sizeof(key), "nsid_%s", names[i]);
    if (!stat(path, &info)) fact_uint(key, info.st_ino);
  }
}

static void fact_image(void) {
  char path[4096];
  struct stat info;
  size_t size;
  ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
  if (n > 0) {
    path[n] = 0;
    fact_text("exe", path);
  }
  if (!stat("/proc/self/exe", &info)) {
    fact_uint("exe_inode", info.st_ino);
    fact_uint("exe_nlink", info.st_nlink);
    fact_uint("exe_mode", info.st_mode);
    fact_uint("exe_uid", info.st_uid);
    fact_uint("exe_gid", info.st_gid);
  }
  if (getcwd(path, sizeof(path))) fact_text("cwd", path);
  const char* execfn = (const char*)getauxval(AT_EXECFN);
  if (execfn) fact_text("execfn", execfn);
  fact_uint("secure", getauxval(AT_SECURE));
  char* data = read_proc("/proc/self/cmdline", &size);
  if (data) fact_hex("args", data, size);
  data = read_proc("/proc/self/environ", &size);
  if (data) fact_hex("environ", data, size);
}

void fact_self(const char* name) {
  fact_begin(name);
  fact_int("pid", outer_pid());
  fact_int("inner_pid", getpid());
  fact_int("tid", syscall(SYS_gettid));
  fact_int("ppid", getppid());
  fact_uint("now_ns", now_ns());
  char* stat = read_proc("/proc/self/stat", NULL);
  if (stat) {
    // Field 22; the name in brackets may hold anything, so count from its end (field 3 follows).
    const char* at = strrchr(stat, ')');
    for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
    if (at) fact_uint("start_ticks", strtoull(at + 1, NULL, 10));
    fact_int("ticks_per_second", sysconf(_SC_CLK_TCK));
  }
  fact_identity(read_proc("/proc/self/status", NULL));
  fact_namespaces();
  fact_image();
  char* cgroup = read_proc("/proc/self/cgroup", NULL);
  if (cgroup) fact_text("cgroup", cgroup);
  fact_end();
}
