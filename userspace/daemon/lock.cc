#include "daemon/lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace trigon::daemon {

namespace {

Error not_allowed(const std::string& what) {
  Error error = Error::from_errno(what);
  if (error.code() != ErrorCode::kPermission) return error;
  return Error(
      ErrorCode::kPermission,
      error.message() + " (the agent runs as root: use sudo; `trigon policy check` and `trigon doctor` need no root)");
}

}  // namespace

Result<InstanceLock> InstanceLock::acquire(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/'));
  if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return not_allowed("make directory " + directory);
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return not_allowed("open " + path);
  char text[32] = {};
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error::from_errno(fmt::format("lock {}", path));
    ssize_t n = pread(fd.get(), text, sizeof(text) - 1, 0);
    std::string pid = n > 0 ? std::string(text, static_cast<size_t>(n)) : "?";
    while (!pid.empty() && pid.back() == '\n') pid.pop_back();
    return Error(ErrorCode::kBusy, fmt::format("another trigon agent is running (pid {}, {}): stop it first, or use "
                                               "`trigon trace`, which may run beside it",
                                               pid, path));
  }
  std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(fd.get(), 0) != 0 || pwrite(fd.get(), pid.data(), pid.size(), 0) < 0)
    return Error::from_errno(fmt::format("write {}", path));
  return InstanceLock(std::move(fd));
}

}  // namespace trigon::daemon
