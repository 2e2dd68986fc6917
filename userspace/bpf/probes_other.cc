// What can refuse an operation without BPF, and what else the agent likes to know. Restrictions are put on a thread
// that ends with the probe.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <future>
#include <thread>
#include <vector>

#include "bpf/probes_table.h"

namespace trigon::bpf {
namespace {

constexpr int kPatienceMs = 1000;
constexpr int kAnswer = 12345;  // what the seccomp probe makes getppid return

// A file without a name, on a file system that fanotify can watch.
Fd unnamed_file() {
  for (const char* directory : {"/tmp", "/run", "/dev/shm", "/var/tmp"}) {
    Fd file(open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (file) return file;
  }
  return {};
}

// Restricts the calling thread to reading nothing; 0 or an errno.
Outcome restrict_reading() {
  landlock_ruleset_attr attributes = {};
  attributes.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE;
  const Fd ruleset(
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes.handled_access_fs), 0)));
  if (!ruleset) return Outcome::no(errno, "creating a Landlock ruleset");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return Outcome::no(errno, "restricting a thread");
  }
  const Fd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (file || errno != EACCES) return Outcome::no(0, "a restricted thread could open a file");
  return Outcome::yes();
}

// Puts a filter on the calling thread that hands getppid to whoever holds the descriptor it returns.
int install_notifier() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {static_cast<unsigned short>(std::size(filter)), filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

// Receives one call and answers it.
Outcome answer(int listener) {
  seccomp_notif_sizes sizes = {};
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) return Outcome::no(errno, "asking for sizes");
  // A newer kernel's structures may be longer than ours.
  std::vector<uint64_t> request(std::max<size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)) / 8 + 1);
  std::vector<uint64_t> response(std::max<size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)) / 8 + 1);
  pollfd waiting = {listener, POLLIN, 0};
  if (poll(&waiting, 1, kPatienceMs) != 1) return Outcome::no(0, "no notification arrived");
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, request.data()) != 0) return Outcome::no(errno, "receiving a call");
  auto* reply = reinterpret_cast<seccomp_notif_resp*>(response.data());
  reply->id = reinterpret_cast<const seccomp_notif*>(request.data())->id;
  reply->val = kAnswer;
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response.data()) != 0) return Outcome::no(errno, "answering a call");
  return Outcome::yes();
}

}  // namespace

// A thread opens a file, the event is refused, the open must fail.
Outcome probe_fanotify_permission(ProbeContext&) {
  const Fd file = unnamed_file();
  if (!file) return Outcome::no(errno, "creating a file without a name in /tmp");
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  Fd group(fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC));
  if (!group) return Outcome::no(errno, "opening fanotify");
  if (fanotify_mark(group.get(), FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, path.c_str()) != 0) {
    return Outcome::no(errno, "watching for opens");
  }
  int opened_error = 0;
  std::thread opener([&] {
    const Fd opened(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    opened_error = opened ? 0 : errno;
  });
  pollfd waiting = {group.get(), POLLIN, 0};
  if (poll(&waiting, 1, kPatienceMs) == 1) {
    std::array<fanotify_event_metadata, 4> events;
    if (read(group.get(), events.data(), sizeof(events)) >= static_cast<ssize_t>(sizeof(events[0]))) {
      const Fd subject(events[0].fd);
      const fanotify_response response = {events[0].fd, FAN_DENY};
      [[maybe_unused]] const ssize_t n = write(group.get(), &response, sizeof(response));
    }
  }
  group.reset();  // lets a waiting open go on, whatever happened
  opener.join();
  return opened_error == EPERM ? Outcome::yes() : Outcome::no(0, "an open that was refused went through");
}

Outcome probe_landlock(ProbeContext&) {
  const long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 0) return Outcome::no(errno, "asking for Landlock");
  Outcome outcome;
  std::thread([&] { outcome = restrict_reading(); }).join();
  if (outcome.worked) outcome.detail = "ABI " + std::to_string(abi);
  return outcome;
}

Outcome probe_seccomp_notify(ProbeContext&) {
  std::promise<std::pair<int, int>> installed;  // descriptor, errno
  long result = 0;
  std::thread caller([&] {
    const int listener = install_notifier();
    installed.set_value({listener, errno});
    if (listener >= 0) result = syscall(SYS_getppid);
  });
  const auto [descriptor, error] = installed.get_future().get();
  Fd listener(descriptor);
  Outcome outcome = listener ? answer(listener.get()) : Outcome::no(error, "installing a filter");
  listener.reset();  // a call that was not answered now fails
  caller.join();
  if (outcome.worked && result != kAnswer) return Outcome::no(0, "the answer did not reach the caller");
  return outcome;
}

Outcome probe_pidfd(ProbeContext&) {
  const Fd process(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  return process ? Outcome::yes() : Outcome::no(errno, "opening a pidfd");
}

Outcome probe_login_uid(ProbeContext& context) {
  const std::string path = context.kernel().path("/proc/self/loginuid");
  const auto text = sys::read_small_file(path);
  return text ? Outcome::yes() : Outcome::no(0, path + " cannot be read");
}

}  // namespace trigon::bpf
