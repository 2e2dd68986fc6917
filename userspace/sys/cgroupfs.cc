#include "sys/cgroupfs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace trigon::sys {
namespace {

// include/linux/exportfs.h; in the uapi only as of 6.17.
constexpr int kFileidKernfs = 0xfe;

// Mount points in mountinfo have space, tab, line feed and backslash as octal escapes.
std::string unescape_mount(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out.push_back(static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// Mount point of the cgroup2 hierarchy whose root is mounted (not a part of it, as in a container); "" when there is
// none.
std::string find_cgroup2(const std::string& mountinfo) {
  std::ifstream file(mountinfo);
  std::string line;
  while (std::getline(file, line)) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos || line.compare(dash + 3, 8, "cgroup2 ") != 0) continue;
    std::istringstream fields(line);
    std::string skipped, root, point;
    fields >> skipped >> skipped >> skipped >> root >> point;
    if (root == "/") return unescape_mount(point);
  }
  return {};
}

}  // namespace

CgroupFs::CgroupFs(std::string procfs)
    : procfs_(std::move(procfs)), mount_point_(find_cgroup2(procfs_ + "/self/mountinfo")) {
  if (!mount_point_.empty()) mount_.reset(::open(mount_point_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

std::optional<std::string> CgroupFs::by_handle(uint64_t id) const {
  if (!mount_) return std::nullopt;
  alignas(file_handle) char storage[sizeof(file_handle) + sizeof(id)] = {};
  auto* handle = reinterpret_cast<file_handle*>(storage);
  handle->handle_bytes = sizeof(id);
  handle->handle_type = kFileidKernfs;
  std::memcpy(storage + offsetof(file_handle, f_handle), &id, sizeof(id));
  const Fd fd(::open_by_handle_at(mount_.get(), handle, O_PATH | O_CLOEXEC));
  if (!fd) return std::nullopt;
  char target[PATH_MAX];
  const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), target, sizeof(target));
  if (size <= 0) return std::nullopt;
  const std::string_view path(target, static_cast<size_t>(size));
  if (path == mount_point_) return "/";
  if (path.substr(0, mount_point_.size()) != mount_point_) return std::nullopt;
  return std::string(path.substr(mount_point_.size()));
}

std::optional<std::string> CgroupFs::resolve(uint64_t id, uint32_t v1, uint32_t pid) {
  std::optional<std::string> path;
  if (v1 == 0 && id != 0) path = by_handle(id);
  // In a hybrid hierarchy everybody may be in the root of cgroup2 while v1 tells the containers apart.
  if ((path && *path != "/") || pid == 0) return path;
  std::ifstream file(procfs_ + "/" + std::to_string(pid) + "/cgroup");
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return path;
  std::string line = pick_cgroup_line(text.str(), v1);
  if (line.empty()) return path;
  return line;
}

std::string pick_cgroup_line(std::string_view text, uint32_t v1) {
  std::string_view unified;
  std::string_view controller;  // of v1; the longest path tells most
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view path = line.substr(second + 1);
    if (first + 1 == second && line.substr(0, first) == "0") {
      unified = path;
    } else if (path.size() > controller.size()) {
      controller = path;
    }
  }
  const bool use_controller = v1 != 0 ? !controller.empty() : unified.size() <= 1 && controller.size() > 1;
  return std::string(use_controller ? controller : unified);
}

void CgroupTable::created(uint64_t id, uint32_t hierarchy, std::string_view path) {
  if (id == 0) return;
  if (hierarchy == 0) remember(key(id, 0), std::string(path));
  if (hierarchy != 0 && hierarchy == v1_hierarchy_) remember(key(id, v1_), std::string(path));
}

void CgroupTable::removed(uint64_t id, uint32_t hierarchy) {
  if (hierarchy != 0 || paths_.find(id) == paths_.end()) return;
  removed_.push_back(id);
  if (removed_.size() <= kRemovedKept) return;
  paths_.erase(removed_.front());
  removed_.pop_front();
}

std::optional<std::string> CgroupTable::resolve(uint64_t id, uint32_t v1, uint32_t pid) {
  // Ids are of one hierarchy each: kernfs counts up from 1 in every one of them, and never reaches the top byte.
  const uint64_t key = this->key(id, v1);
  if (id != 0) {
    if (const auto it = paths_.find(key); it != paths_.end()) return it->second;
  }
  if (resolver_ == nullptr) return std::nullopt;
  auto path = resolver_->resolve(id, v1, pid);
  if (path && id != 0) remember(key, *path);
  return path;
}

void CgroupTable::remember(uint64_t key, std::string path) {
  const auto [it, inserted] = paths_.insert_or_assign(key, std::move(path));
  (void)it;
  if (!inserted) return;
  order_.push_back(key);
  while (paths_.size() > max_entries_ && !order_.empty()) {
    paths_.erase(order_.front());
    order_.pop_front();
  }
  // Ids that removed() already erased stay in the order until they come up; kernfs ids do not come again.
  while (order_.size() > 2 * max_entries_) order_.pop_front();
}

}  // namespace trigon::sys
