#include "policy/workload_vectors.h"

#include <utility>

namespace trigon::policy {
namespace {

std::string bytes_of(const trigon_vector& vector) {
  return {reinterpret_cast<const char*>(vector.word), sizeof(vector.word)};
}

}  // namespace

WorkloadVectors::WorkloadVectors(std::shared_ptr<const CompiledSet> set) : set_(std::move(set)) {
  if (set_->workload_dims.empty()) return;
  for (size_t i = 0; i < set_->vectors.size(); ++i) {
    known_.try_emplace(bytes_of(set_->vectors[i]), static_cast<uint32_t>(i));
  }
}

std::optional<uint32_t> WorkloadVectors::number(size_t workload_dim, const std::vector<bool>& matches) {
  const WorkloadDim& dim = set_->workload_dims[workload_dim];
  trigon_vector vector = dim.all;
  for (const auto& [filter, asking] : dim.asking) {
    if (matches[filter]) continue;
    for (size_t w = 0; w < TRIGON_VEC_WORDS; ++w) vector.word[w] &= ~asking.word[w];
  }
  const std::string bytes = bytes_of(vector);
  if (const auto found = known_.find(bytes); found != known_.end()) return found->second;
  const size_t next = set_->vectors.size() + added_.size();
  if (next >= TRIGON_MAX_VECTORS) return std::nullopt;
  added_.push_back(vector);
  known_.emplace(bytes, static_cast<uint32_t>(next));
  return static_cast<uint32_t>(next);
}

}  // namespace trigon::policy
