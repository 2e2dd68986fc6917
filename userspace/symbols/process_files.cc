#include "symbols/process_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "sys/kernel.h"

namespace trigon::symbols {
namespace {

constexpr size_t kMaxMapsText = size_t{8} << 20;
constexpr size_t kMaxMountsText = size_t{1} << 20;
constexpr size_t kMaxStatusText = size_t{64} << 10;
constexpr int kStartTimeField = 22;  // of /proc/PID/stat, proc(5)

// A number and the character behind it.
template <typename T>
bool take(std::string_view* text, int base, char behind, T* value) {
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *value, base);
  const auto used = static_cast<size_t>(end - text->data());
  if (error != std::errc() || used >= text->size() || (*text)[used] != behind) return false;
  text->remove_prefix(used + 1);
  return true;
}

// "55d0c0a00000-55d0c0a1f000 r-xp 0002e000 08:01 131   /usr/bin/bash"
bool parse_mapping(std::string_view line, Mapping* mapping) {
  if (!take(&line, 16, '-', &mapping->start) || !take(&line, 16, ' ', &mapping->end)) return false;
  if (line.size() < 5 || line[2] != 'x') return false;
  line.remove_prefix(5);
  unsigned major = 0, minor = 0;
  if (!take(&line, 16, ' ', &mapping->offset) || !take(&line, 16, ':', &major) || !take(&line, 16, ' ', &minor))
    return false;
  mapping->device = makedev(major, minor);
  if (!take(&line, 10, ' ', &mapping->inode)) {
    // Without a path some kernels end the line here.
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), mapping->inode);
    return error == std::errc() && end == line.data() + line.size();
  }
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  mapping->path = line;
  return true;
}

Result<std::string> read_all(int directory, const char* file, size_t max, const std::string& what) {
  const Fd fd(::openat(directory, file, O_RDONLY | O_CLOEXEC));
  if (!fd) return Error::from_errno("open " + what + "/" + file);
  std::string text;
  std::vector<char> chunk(size_t{32} * 1024);
  while (text.size() < max) {
    const ssize_t n = ::read(fd.get(), chunk.data(), std::min(chunk.size(), max - text.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno("read " + what + "/" + file);
    if (n == 0) break;
    text.append(chunk.data(), static_cast<size_t>(n));
  }
  return text;
}

// Field 22 of "pid (comm) state …", counted behind the last parenthesis, because comm may contain anything.
std::optional<uint64_t> start_ticks(std::string_view stat) {
  const size_t close = stat.rfind(')');
  if (close == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(close + 1);
  for (int field = 2; field < kStartTimeField; ++field) {
    const size_t blank = stat.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    stat.remove_prefix(blank + 1);
  }
  uint64_t value = 0;
  return take(&stat, 10, ' ', &value) ? std::optional(value) : std::nullopt;
}

bool is_same_start(uint64_t ticks, uint64_t start_ns) {
  static const uint64_t tick_ns = 1'000'000'000 / static_cast<uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
  const uint64_t shown = ticks * tick_ns;
  // Either side may have been rounded.
  return (shown > start_ns ? shown - start_ns : start_ns - shown) <= tick_ns;
}

// Memory file systems that are mounted nowhere: memfd, shared anonymous memory.
dev_t memory_device() {
  static const dev_t device = [] {
    const Fd fd(::memfd_create("device", MFD_CLOEXEC));
    struct stat status {};
    return fd.valid() && ::fstat(fd.get(), &status) == 0 ? status.st_dev : dev_t{0};
  }();
  return device;
}

// The line "mnt_id:" of /proc/self/fdinfo/FD: where a descriptor leads, without asking the file system.
std::optional<uint64_t> mount_id_of(int fd) {
  const auto text = sys::read_small_file(fmt::format("/proc/self/fdinfo/{}", fd));
  if (!text.ok()) return std::nullopt;
  const size_t at = text->find("mnt_id:");
  if (at == std::string::npos) return std::nullopt;
  const char* begin = text->c_str() + at + std::char_traits<char>::length("mnt_id:");
  while (*begin == '\t' || *begin == ' ') ++begin;
  uint64_t id = 0;
  return std::from_chars(begin, text->c_str() + text->size(), id).ec == std::errc() ? std::optional(id) : std::nullopt;
}

}  // namespace

std::vector<Mapping> parse_maps(std::string_view text, size_t max) {
  std::vector<Mapping> mappings;
  while (!text.empty() && mappings.size() < max) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) break;  // the text was cut here
    Mapping mapping;
    if (parse_mapping(text.substr(0, end), &mapping) && mapping.start < mapping.end)
      mappings.push_back(std::move(mapping));
    text.remove_prefix(end + 1);
  }
  return mappings;
}

Result<ProcessFiles> ProcessFiles::open(const std::string& procfs, uint32_t pid, uint64_t start_ns) {
  std::string name = fmt::format("{}/{}", procfs, pid);
  Fd directory(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Error::from_errno("open " + name);
  ProcessFiles files(std::move(directory), procfs, std::move(name));
  if (start_ns != 0) {
    TRIGON_TRY(const std::string stat, files.read("stat", kMaxStatusText));
    const auto ticks = start_ticks(stat);
    if (!ticks || !is_same_start(*ticks, start_ns))
      return Error(ErrorCode::kNotFound, files.name_ + ": is another process by now");
  }
  return files;
}

Result<std::string> ProcessFiles::read(const char* file, size_t max) const {
  return read_all(directory_.get(), file, max, name_);
}

Result<std::vector<Mapping>> ProcessFiles::maps(size_t max) const {
  TRIGON_TRY(const std::string text, read("maps", kMaxMapsText));
  return parse_maps(text, max);
}

Result<FileBytes> ProcessFiles::open_mapping(const Mapping& mapping) {
  // The mapping itself leads to its file (CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN); its path, only while it is there.
  const std::string link = fmt::format("map_files/{:x}-{:x}", mapping.start, mapping.end);
  Fd place(::openat(directory_.get(), link.c_str(), O_PATH | O_CLOEXEC));
  if (!place) {
    TRIGON_TRY(place, find(mapping.path));
  }
  return reopen(std::move(place), mapping.path, mapping.inode, nullptr);
}

Result<FileBytes> ProcessFiles::open_path(const std::string& path, uint32_t* owner) {
  TRIGON_TRY(Fd place, find(path));
  return reopen(std::move(place), path, 0, owner);
}

Result<Fd> ProcessFiles::find(const std::string& path) {
  if (path.empty() || path.front() != '/') return Error(ErrorCode::kNotFound, "'" + path + "' is no path of a file");
  const Fd root(::openat(directory_.get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Error::from_errno("open " + name_ + "/root");
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  // RESOLVE_CACHED (5.12): only what the kernel knows without asking a file system. A mapped or just written file is.
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_CACHED;
  Fd place(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof(how))));
  if (!place && errno == EINVAL) {
    load_mounts();
    if (mounts_.empty() || mounts_.crosses_served(path) || !is_trusted_namespace())
      return Error(path + " in the root of " + name_ + ": its file system may not answer");
    how.resolve &= ~static_cast<uint64_t>(RESOLVE_CACHED);
    place.reset(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof(how))));
  }
  if (!place) return Error::from_errno("open " + path + " in the root of " + name_);
  return place;
}

Result<FileBytes> ProcessFiles::reopen(Fd place, const std::string& path, uint64_t inode, uint32_t* owner) {
  if (!may_read(place))
    return Error(path + ": is on a file system that a process or a network serves, which is not waited for");
  struct stat status {};
  if (::fstat(place.get(), &status) != 0) return Error::from_errno("stat " + path);
  if (inode != 0 && status.st_ino != inode) return Error(ErrorCode::kNotFound, path + ": is another file by now");
  // Opening anything but a regular file can have effects.
  if (!S_ISREG(status.st_mode)) return Error(path + ": not a regular file");
  if (owner != nullptr) *owner = status.st_uid;
  const std::string self = fmt::format("/proc/self/fd/{}", place.get());
  Fd fd(::open(self.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return Error::from_errno("open " + path);
  return FileBytes::adopt(std::move(fd), path);
}

void ProcessFiles::load_mounts() {
  if (mounts_loaded_) return;
  mounts_loaded_ = true;
  if (const auto text = read("mountinfo", kMaxMountsText); text.ok()) mounts_ = MountTypes::parse(*text);
  if (const auto text = read_all(AT_FDCWD, (procfs_ + "/1/mountinfo").c_str(), kMaxMountsText, ""); text.ok())
    host_mounts_ = MountTypes::parse(*text);
}

bool ProcessFiles::may_read(const Fd& place) {
  load_mounts();
  // The descriptor holds the mount, so its number stands for it until we are done.
  const auto id = mount_id_of(place.get());
  if (!id) return false;
  MountKind kind = host_mounts_.of_mount(*id);
  if (kind == MountKind::kStacked) return true;  // mounted by those who run the machine
  if (kind == MountKind::kUnknown) kind = mounts_.of_mount(*id);
  if (kind == MountKind::kLocal || kind == MountKind::kServed) return kind == MountKind::kLocal;
  struct statx status {};
  // Not to be asked of the file system: its device is known without.
  if (::statx(place.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0) return false;
  const dev_t device = makedev(status.stx_dev_major, status.stx_dev_minor);
  if (kind == MountKind::kStacked) {
    // Of the process's own mount table. An unprivileged user can put one over a FUSE file system, but only in a user
    // namespace of his own; container runtimes mount theirs where pid 1 sees it.
    return host_mounts_.of_device(device) == MountKind::kStacked || is_trusted_namespace();
  }
  // Mounted nowhere: behind an overlay (older kernels), detached, or in a mount namespace that has gone.
  const MountKind by_device = host_mounts_.of_device(device);
  if (by_device != MountKind::kUnknown) return by_device != MountKind::kServed;
  return status.stx_dev_major != 0 || device == memory_device();
}

bool ProcessFiles::is_trusted_namespace() const {
  struct stat theirs {};
  struct stat ours {};
  return ::fstatat(directory_.get(), "ns/user", &theirs, 0) == 0 &&
         ::stat((procfs_ + "/1/ns/user").c_str(), &ours) == 0 && theirs.st_ino == ours.st_ino;
}

uint32_t ProcessFiles::namespace_pid() const {
  const auto text = read("status", kMaxStatusText);
  if (!text.ok()) return 0;
  const size_t at = text->find("\nNSpid:");
  if (at == std::string::npos) return 0;
  const size_t end = std::min(text->find('\n', at + 1), text->size());
  const size_t blank = text->find_last_of("\t ", end);  // the last is the innermost
  uint32_t pid = 0;
  if (blank != std::string::npos && blank > at) std::from_chars(text->data() + blank + 1, text->data() + end, pid);
  return pid;
}

std::optional<uint32_t> ProcessFiles::user() const {
  struct stat status {};
  if (::fstat(directory_.get(), &status) != 0) return std::nullopt;
  return status.st_uid;
}

}  // namespace trigon::symbols
