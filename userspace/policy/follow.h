// The pids that followForks filters name: bits of a process's follow set, shared by all hooks of a generation.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "bpf/abi/policy.h"
#include "policy/ir.h"

namespace trigon::policy {

class FollowTable {
 public:
  // An error names the policy with which there are too many pids.
  static Result<FollowTable> create(std::span<const Policy* const> policies);

  uint64_t mask(const PidFilter& filter) const;
  void write(trigon_control& control) const;

 private:
  std::vector<std::pair<uint32_t, bool>> pids_;  // pid, of the process's own namespace; by bit
};

}  // namespace trigon::policy
