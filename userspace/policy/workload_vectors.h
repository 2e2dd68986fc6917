// Vectors for control groups, made when they come: which workloads there are is not known when policies are compiled.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/compiled.h"

namespace trigon::policy {

// For one set. Single-threaded. A cgroup's entries in tri_numbers are {set.workload_dims[i].dim, cgroup id} to
// number(i, …).
class WorkloadVectors {
 public:
  explicit WorkloadVectors(std::shared_ptr<const CompiledSet> set);

  // `matches[f]`: the cgroup belongs to set.workload_filters[f]. Nothing: TRIGON_MAX_VECTORS are in use; leave the
  // cgroup out then, so that the dimension's default holds (no filter matches).
  std::optional<uint32_t> number(size_t workload_dim, const std::vector<bool>& matches);

  // Vectors that number() has made so far, to be written to tri_vectors from number set.vectors.size() on.
  const std::vector<trigon_vector>& added() const { return added_; }

 private:
  std::shared_ptr<const CompiledSet> set_;
  std::map<std::string, uint32_t> known_;  // a vector's bytes to its number
  std::vector<trigon_vector> added_;
};

}  // namespace trigon::policy
