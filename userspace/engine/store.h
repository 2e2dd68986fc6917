// PolicyStore: the policies in force. Each change compiles the whole set anew and switches the kernel over at once: at
// no moment is there neither the old nor the new policy. A change that fails leaves everything as it was.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/sensor.h"
#include "engine/tables.h"
#include "policy/policy.h"

namespace trigon::engine {

// Single-threaded. The sensor must outlive it.
class PolicyStore {
 public:
  explicit PolicyStore(bpf::Sensor* sensor) : sensor_(sensor), writer_(sensor) {}

  // Puts `policies` in the place of everything that came from `origin` (a file, "trace"); none: removes it. Names must
  // not be in use by another origin.
  Result<void> replace(const std::string& origin, std::vector<policy::Policy> policies);
  size_t size() const;
  std::vector<std::string> names() const;
  // The set of a generation, for records that it decided; null when it is long gone.
  std::shared_ptr<const policy::CompiledSet> find(uint32_t generation) const;
  TableWriter& writer() { return writer_; }

 private:
  struct Entry {
    std::string origin;
    policy::Policy policy;
  };

  // Records of older generations may wait in the ring for as long as it takes to read it once.
  static constexpr size_t kKeptSets = 4;

  bpf::Sensor* sensor_;
  TableWriter writer_;
  std::vector<Entry> entries_;
  std::deque<std::shared_ptr<const policy::CompiledSet>> sets_;  // newest first
  uint32_t generation_ = 0;
  uint32_t next_dim_ = TRIGON_DIM_FIRST;
};

}  // namespace trigon::engine
