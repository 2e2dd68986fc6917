#include "sys/tracefs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "sys/kernel.h"

namespace trigon::sys {
namespace {

// Stays below the root. Names of events never have a "..", so the plain test is enough.
bool is_below(std::string_view path) {
  if (path.empty() || path.front() == '/') return false;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") return false;
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return true;
}

}  // namespace

Result<Tracefs> Tracefs::open() {
  if (Fd root = open_filesystem("tracefs"); root.valid()) return Tracefs(std::move(root), "tracefs");
  const int mount_error = errno;
  for (const char* directory : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    auto tracefs = at(directory);
    // An unmounted /sys/kernel/tracing is an empty directory.
    if (tracefs.ok() && ::faccessat(tracefs->root_.get(), "events", F_OK, 0) == 0) return tracefs;
  }
  return Error::from_errno(mount_error, "mount tracefs")
      .context(
          "the tracing file system is not mounted at /sys/kernel/tracing and mounting it privately failed (needs "
          "CAP_SYS_ADMIN and CONFIG_TRACING)");
}

Result<Tracefs> Tracefs::at(const std::string& directory) {
  Fd root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Error::from_errno("open " + directory);
  return Tracefs(std::move(root), directory);
}

Error Tracefs::error(int err, const std::string& path) const {
  return Error::from_errno(err, "open " + where_ + "/" + path);
}

Result<std::string> Tracefs::read(const std::string& path) const {
  if (!is_below(path)) return Error(ErrorCode::kUsage, "'" + path + "' is no path below the tracing file system");
  const Fd file(::openat(root_.get(), path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return error(errno, path);
  std::string text;
  std::vector<char> chunk(size_t{64} * 1024);
  for (;;) {
    const ssize_t n = ::read(file.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno("read " + where_ + "/" + path);
    if (n == 0) return text;
    text.append(chunk.data(), static_cast<size_t>(n));
  }
}

Result<std::vector<std::string>> Tracefs::list(const std::string& path) const {
  if (!is_below(path)) return Error(ErrorCode::kUsage, "'" + path + "' is no path below the tracing file system");
  Fd directory(::openat(root_.get(), path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return error(errno, path);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(directory.get()), ::closedir);
  if (!stream) return error(errno, path);
  directory.release();
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace trigon::sys
