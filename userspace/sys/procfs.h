// What /proc tells of processes: arguments for the snapshot, and the whole snapshot where the kernel has no task
// iterator. Blocking reads; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/abi/record.h"

namespace trigon::sys {

// A trigon_exec record of kind TRIGON_REC_SNAPSHOT made from procfs, as bytes that event::decode() accepts.
//
// Less exact than the iterator's: the start time is rounded down to a clock tick (10 ms; the tree is told so and takes
// the exact one from the first record of that process), the parent's start time likewise, cgroup ids are 0 where only
// v1 is mounted, i_generation is not known, fs ids and user namespace ids of the file are those procfs shows.
struct ProcSnapshot {
  std::vector<uint64_t> storage;  // 8-byte aligned
  size_t size = 0;
  std::string args;

  const trigon_exec& record() const { return *reinterpret_cast<const trigon_exec*>(storage.data()); }
};

class ProcFs {
 public:
  explicit ProcFs(std::string root = "/proc") : root_(std::move(root)) {}

  // All numeric entries, ascending.
  Result<std::vector<uint32_t>> pids() const;
  // NUL after each argument. Empty for kernel threads and zombies. At most `max` bytes.
  Result<std::string> cmdline(uint32_t pid, size_t max = TRIGON_MAX_ARGS) const;
  Result<std::string> environ(uint32_t pid, size_t max = TRIGON_MAX_ENV) const;
  Result<std::string> cwd(uint32_t pid) const;
  Result<std::string> exe(uint32_t pid) const;     // with " (deleted)" as the kernel says it
  Result<std::string> cgroup(uint32_t pid) const;  // the text of the file
  // Inode numbers of PID/ns/*; 0 where there is none.
  trigon_namespaces namespaces(uint32_t pid) const;

  Result<ProcSnapshot> snapshot(uint32_t pid) const;
  // One after the other, ascending; processes that end meanwhile are left out. Returns how many there were.
  Result<size_t> snapshot_all(const std::function<void(const ProcSnapshot&)>& each) const;

 private:
  std::string path(uint32_t pid, const char* name) const;

  std::string root_;
};

}  // namespace trigon::sys
