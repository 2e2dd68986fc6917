// The pids that followForks filters name: bits of a process's follow set, shared by all hooks of a generation.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "bpf/abi/policy.h"
#include "policy/ir.h"

namespace trigon::policy {

// "Descends from none of them" is no OR over bits, so it becomes a decision tree over the bits from the top: one path
// per combination. This many bits make 2,048 paths.
inline constexpr size_t kMaxNegatedFollow = 10;

class FollowTable {
 public:
  // An error names the policy with which there are too many pids.
  static Result<FollowTable> create(std::span<const Policy> policies);

  uint64_t mask(const PidFilter& filter) const;
  size_t size() const { return pids_.size(); }
  // Bits that can be set at all.
  uint64_t possible() const;
  void write(trigon_control& control) const;

 private:
  struct Pid {
    uint32_t pid;
    bool namespace_pid;
    bool negated;  // some NotIn names it
  };
  std::vector<Pid> pids_;  // by bit; those of negated filters on top, where they keep the decision trees short
};

}  // namespace trigon::policy
