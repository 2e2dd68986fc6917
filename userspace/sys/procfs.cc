#include "sys/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <memory>
#include <sstream>
#include <string_view>

#include "base/fd.h"
#include "sys/clock.h"

namespace trigon::sys {
namespace {

constexpr std::string_view kDeleted = " (deleted)";
constexpr uint32_t kDevMinorBits = 20;

Result<std::string> read_file(const std::string& path, size_t max) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Error::from_errno("open " + path);
  std::string text;
  char chunk[4096];
  while (text.size() < max) {
    const ssize_t n = ::read(fd.get(), chunk, std::min(sizeof(chunk), max - text.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno("read " + path);
    if (n == 0) break;
    text.append(chunk, static_cast<size_t>(n));
  }
  return text;
}

Result<std::string> read_link(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t n = ::readlink(path.c_str(), target, sizeof(target));
  if (n < 0) return Error::from_errno("readlink " + path);
  return std::string(target, static_cast<size_t>(n));
}

// PID/stat: "pid (comm) state ppid …"; comm may contain anything, so from the last parenthesis on.
struct Stat {
  std::string comm;
  uint32_t parent = 0;
  uint32_t flags = 0;
  uint64_t start_ticks = 0;
};

Stat parse_stat(const std::string& text) {
  Stat stat;
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return stat;
  stat.comm = text.substr(open + 1, close - open - 1);
  std::istringstream fields(text.substr(close + 1));
  std::string field;
  for (int number = 3; fields >> field; ++number) {  // as proc(5) counts
    if (number == 4) stat.parent = static_cast<uint32_t>(std::strtoul(field.c_str(), nullptr, 10));
    if (number == 9) stat.flags = static_cast<uint32_t>(std::strtoul(field.c_str(), nullptr, 10));
    if (number == 22) stat.start_ticks = std::strtoull(field.c_str(), nullptr, 10);
  }
  return stat;
}

uint64_t ticks_to_ns(uint64_t ticks) {
  static const uint64_t per_second = static_cast<uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
  return ticks / per_second * 1'000'000'000 + ticks % per_second * (1'000'000'000 / per_second);
}

void parse_status(const std::string& text, trigon_task* task) {
  std::istringstream lines(text);
  std::string line;
  trigon_creds& creds = task->creds;
  while (std::getline(lines, line)) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string_view key = std::string_view(line).substr(0, colon);
    std::istringstream values(line.substr(colon + 1));
    if (key == "Uid") values >> creds.uid >> creds.euid >> creds.suid >> creds.fsuid;
    if (key == "Gid") values >> creds.gid >> creds.egid >> creds.sgid >> creds.fsgid;
    if (key == "CapInh") values >> std::hex >> creds.cap_inheritable;
    if (key == "CapPrm") values >> std::hex >> creds.cap_permitted;
    if (key == "CapEff") values >> std::hex >> creds.cap_effective;
    if (key == "CapBnd") values >> std::hex >> creds.cap_bounding;
    if (key == "CapAmb") values >> std::hex >> creds.cap_ambient;
    if (key == "NSpid") {
      while (values >> task->ns_pid) continue;  // the last is the innermost
      values.clear();
    }
  }
}

// Appends text behind the record; the span points at it.
void append(std::string* tail, std::string_view text, trigon_span* span) {
  if (text.empty()) return;
  span->off = static_cast<uint32_t>(sizeof(trigon_exec) + tail->size());
  span->len = static_cast<uint32_t>(text.size());
  tail->append(text);
}

// "/a/b (deleted)" to the kernel side's form: leaf first, a NUL after each.
void append_path(std::string* tail, std::string_view path, bool is_deleted, trigon_path* out) {
  if (is_deleted) out->flags |= TRIGON_PATH_UNLINKED;
  std::string reversed;
  while (!path.empty()) {
    const size_t slash = path.rfind('/');
    const std::string_view leaf = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (!leaf.empty()) {
      reversed.append(leaf).push_back('\0');
      ++out->components;
    }
    path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  }
  if (reversed.empty()) out->components = 1;  // the root: no component, but no error either
  append(tail, reversed, &out->span);
}

}  // namespace

std::string ProcFs::path(uint32_t pid, const char* name) const {
  return root_ + "/" + std::to_string(pid) + "/" + name;
}

Result<std::vector<uint32_t>> ProcFs::pids() const {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(root_.c_str()), ::closedir);
  if (dir == nullptr) return Error::from_errno("open " + root_);
  std::vector<uint32_t> pids;
  while (const dirent* entry = ::readdir(dir.get())) {
    char* end = nullptr;
    const unsigned long pid = std::strtoul(entry->d_name, &end, 10);
    if (pid != 0 && *end == '\0') pids.push_back(static_cast<uint32_t>(pid));
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

Result<std::string> ProcFs::cmdline(uint32_t pid, size_t max) const { return read_file(path(pid, "cmdline"), max); }
Result<std::string> ProcFs::environ(uint32_t pid, size_t max) const { return read_file(path(pid, "environ"), max); }
Result<std::string> ProcFs::cwd(uint32_t pid) const { return read_link(path(pid, "cwd")); }
Result<std::string> ProcFs::exe(uint32_t pid) const { return read_link(path(pid, "exe")); }
Result<std::string> ProcFs::cgroup(uint32_t pid) const { return read_file(path(pid, "cgroup"), 1 << 16); }

trigon_namespaces ProcFs::namespaces(uint32_t pid) const {
  trigon_namespaces ns{};
  const struct {
    const char* name;
    __u32* inum;
  } members[] = {{"ns/uts", &ns.uts},
                 {"ns/ipc", &ns.ipc},
                 {"ns/mnt", &ns.mnt},
                 {"ns/pid", &ns.pid},
                 {"ns/pid_for_children", &ns.pid_for_children},
                 {"ns/net", &ns.net},
                 {"ns/time", &ns.time},
                 {"ns/time_for_children", &ns.time_for_children},
                 {"ns/cgroup", &ns.cgroup},
                 {"ns/user", &ns.user}};
  for (const auto& member : members) {
    const auto link = read_link(path(pid, member.name));  // "uts:[4026531838]"
    if (!link.ok()) continue;
    const size_t bracket = link->find('[');
    if (bracket == std::string::npos) continue;
    *member.inum = static_cast<uint32_t>(std::strtoul(link->c_str() + bracket + 1, nullptr, 10));
  }
  return ns;
}

Result<ProcSnapshot> ProcFs::snapshot(uint32_t pid) const {
  TRIGON_TRY(const std::string stat_text, read_file(path(pid, "stat"), 4096));
  TRIGON_TRY(const std::string status_text, read_file(path(pid, "status"), 1 << 16));
  const Stat stat = parse_stat(stat_text);

  trigon_exec record{};
  record.rec.kind = TRIGON_REC_SNAPSHOT;
  record.rec.abi = TRIGON_ABI_VERSION;
  record.rec.time_ns = boot_now_ns();
  record.rec.start_ns = ticks_to_ns(stat.start_ticks);
  record.rec.pid = record.rec.tid = pid;
  record.task.ns_pid = pid;
  record.task.kernel_flags = stat.flags;
  record.task.parent_pid = stat.parent;
  if (stat.parent != 0) {
    if (const auto parent = read_file(path(stat.parent, "stat"), 4096); parent.ok()) {
      record.task.parent_start_ns = ticks_to_ns(parse_stat(*parent).start_ticks);
    }
  }
  parse_status(status_text, &record.task);
  const auto number = [&](const char* name) {
    const auto text = read_file(path(pid, name), 32);
    return text.ok() ? static_cast<uint32_t>(std::strtoul(text->c_str(), nullptr, 10)) : 4294967295u;
  };
  record.task.creds.loginuid = number("loginuid");
  record.task.creds.sessionid = number("sessionid");
  record.task.ns = namespaces(pid);

  std::string tail;
  append(&tail, stat.comm, &record.filename);
  // stat() follows the link to the file itself: also to one that has no name any more.
  struct stat file {};
  const bool has_file = ::stat(path(pid, "exe").c_str(), &file) == 0;
  if (has_file) {
    record.file.inode = file.st_ino;
    record.file.dev = static_cast<uint32_t>(major(file.st_dev) << kDevMinorBits | minor(file.st_dev));
    record.file.nlink = static_cast<uint32_t>(file.st_nlink);
    record.file.mode = file.st_mode;
    record.file.uid = file.st_uid;
    record.file.gid = file.st_gid;
  }
  const auto strip_deleted = [](std::string* text) {
    if (text->size() < kDeleted.size() || text->compare(text->size() - kDeleted.size(), kDeleted.size(), kDeleted) != 0)
      return false;
    text->resize(text->size() - kDeleted.size());
    return true;
  };
  if (auto exe = this->exe(pid); exe.ok()) {
    // The suffix is the kernel's only if the file has no link left; a file may be called so.
    const bool deleted = has_file && file.st_nlink == 0 && strip_deleted(&*exe);
    append_path(&tail, *exe, deleted, &record.exe);
  } else {
    record.exe.flags = TRIGON_PATH_ERROR;
  }
  if (const auto cwd = this->cwd(pid); cwd.ok()) {
    append_path(&tail, *cwd, false, &record.cwd);
    if (*cwd == "/") record.flags |= TRIGON_EXEC_ROOT_CWD;
  } else {
    record.flags |= TRIGON_EXEC_NO_CWD;
  }
  // No cgroup id: the path comes from PID/cgroup (CgroupFs::resolve with the pid).
  record.rec.size = static_cast<uint32_t>(sizeof(record) + tail.size());

  ProcSnapshot result;
  result.size = record.rec.size;
  result.storage.resize((result.size + 7) / 8);
  std::memcpy(result.storage.data(), &record, sizeof(record));
  if (!tail.empty()) {
    std::memcpy(reinterpret_cast<char*>(result.storage.data()) + sizeof(record), tail.data(), tail.size());
  }
  if (auto args = cmdline(pid); args.ok()) result.args = *std::move(args);
  return result;
}

Result<size_t> ProcFs::snapshot_all(const std::function<void(const ProcSnapshot&)>& each) const {
  TRIGON_TRY(const std::vector<uint32_t> all, pids());
  size_t count = 0;
  for (const uint32_t pid : all) {
    const auto entry = snapshot(pid);
    if (!entry.ok()) continue;
    each(*entry);
    ++count;
  }
  return count;
}

}  // namespace trigon::sys
