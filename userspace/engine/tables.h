// TableWriter: puts a compiled generation of policies into the kernel, beside the one in force, and switches over.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "bpf/sensor.h"
#include "policy/compiled.h"

namespace trigon::engine {

// Single-threaded. The sensor must outlive it.
class TableWriter {
 public:
  explicit TableWriter(bpf::Sensor* sensor) : sensor_(sensor) {}

  // Writes `set` into the idle half, publishes its generation, waits until no program reads the old one any more and
  // removes what was the old one's. On an error the generation in force stays as it was: what had been written of the
  // new one is taken out again.
  Result<void> apply(std::shared_ptr<const policy::CompiledSet> set);
  // What the kernel has counted for the set's selectors. take: and begins anew (nobody counts for it any more).
  std::vector<trigon_selector_stats> read_stats(const policy::CompiledSet& set) const;
  std::vector<trigon_selector_stats> take_stats(const policy::CompiledSet& set);
  // Bytes that a set's entries take in the kernel: as the maps' element sizes have it, without the fixed arrays.
  static uint64_t kernel_bytes(const policy::CompiledSet& set);
  // Follows the process (and its descendants) for `trigon trace -- command`: only they are looked at.
  Result<void> trace_only(uint32_t pid);

 private:
  Result<void> write(const policy::CompiledSet& set);
  Result<void> write_follow(const policy::CompiledSet& set);
  void publish(const policy::CompiledSet& set);
  void erase(const policy::CompiledSet& set);

  bpf::Sensor* sensor_;
  std::shared_ptr<const policy::CompiledSet> active_;
  bool trace_ = false;
};

}  // namespace trigon::engine
