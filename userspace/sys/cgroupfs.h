// Cgroup ids to paths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/fd.h"

namespace trigon::sys {

// Path of a cgroup from the root of its hierarchy ("/kubepods/burstable/…"), or nullopt.
class CgroupResolver {
 public:
  virtual ~CgroupResolver() = default;
  // v1: as trigon_task.cgroup_v1. pid: a process in it, 0: none known.
  virtual std::optional<std::string> resolve(uint64_t id, uint32_t v1, uint32_t pid) = 0;
};

// Asks the kernel: by file handle on the cgroup2 mount (kernfs handles are the id itself), else /proc/PID/cgroup.
// Blocking, two to five system calls; callers remember the answer (CgroupTable).
class CgroupFs : public CgroupResolver {
 public:
  // Reads the mounts from PROCFS/self/mountinfo. Without a cgroup2 mount, or without CAP_DAC_READ_SEARCH, only the
  // fallback works: that is no error.
  explicit CgroupFs(std::string procfs = "/proc");
  std::optional<std::string> resolve(uint64_t id, uint32_t v1, uint32_t pid) override;
  bool has_handles() const { return mount_.valid(); }
  const std::string& mount_point() const { return mount_point_; }

 private:
  std::optional<std::string> by_handle(uint64_t id) const;

  std::string procfs_;
  std::string mount_point_;
  Fd mount_;
};

// The line of /proc/PID/cgroup that names the workload: the cgroup2 line, unless it is "/" while a v1 hierarchy knows
// more (hybrid: controllers on v1). v1 != 0: a v1 line first.
std::string pick_cgroup_line(std::string_view text, uint32_t v1);

// Remembers what CgroupResolver answered and what mkdir records told, so that a cgroup that was removed at once is
// still known when the exec inside it is read. Bounded. Single-threaded.
class CgroupTable : public CgroupResolver {
 public:
  explicit CgroupTable(CgroupResolver* resolver = nullptr, size_t max_entries = 16384)
      : resolver_(resolver), max_entries_(max_entries) {}

  // The v1 hierarchy whose cgroups name processes: its id (/proc/cgroups) and the value of trigon_task.cgroup_v1.
  void use_v1(uint32_t hierarchy, uint32_t v1) {
    v1_hierarchy_ = hierarchy;
    v1_ = v1;
  }
  // Of the cgroup2 hierarchy (trigon_cgroup_event.hierarchy 0) or that of use_v1(); others are ignored: their ids are
  // of another space.
  void created(uint64_t id, uint32_t hierarchy, std::string_view path);
  // Stays known until kRemovedKept others have been removed after it.
  void removed(uint64_t id, uint32_t hierarchy);
  std::optional<std::string> resolve(uint64_t id, uint32_t v1, uint32_t pid) override;
  size_t size() const { return paths_.size(); }

 private:
  static constexpr size_t kRemovedKept = 1024;
  void remember(uint64_t key, std::string path);

  uint64_t key(uint64_t id, uint32_t v1) const { return id | static_cast<uint64_t>(v1) << 56; }

  uint32_t v1_hierarchy_ = 0;
  uint32_t v1_ = 0;
  CgroupResolver* resolver_;
  size_t max_entries_;
  std::unordered_map<uint64_t, std::string> paths_;
  std::deque<uint64_t> order_;  // of insertion, for the bound
  std::deque<uint64_t> removed_;
};

}  // namespace trigon::sys
