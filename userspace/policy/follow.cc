#include "policy/follow.h"

#include <fmt/format.h>

#include <algorithm>

namespace trigon::policy {

Result<FollowTable> FollowTable::create(std::span<const Policy> policies) {
  FollowTable table;
  const auto add = [&table](uint32_t pid, const PidFilter& filter) {
    for (Pid& known : table.pids_) {
      if (known.pid != pid || known.namespace_pid != filter.namespace_pid) continue;
      known.negated |= filter.negated;
      return;
    }
    table.pids_.push_back({pid, filter.namespace_pid, filter.negated});
  };
  for (const Policy& policy : policies) {
    for (const Hook& hook : policy.hooks) {
      for (const Selector& selector : hook.selectors) {
        for (const PidFilter& filter : selector.pids) {
          if (!filter.follow_forks) continue;
          for (uint32_t pid : filter.pids) add(pid, filter);
        }
      }
    }
    const auto negated = std::count_if(table.pids_.begin(), table.pids_.end(), [](const Pid& p) { return p.negated; });
    if (table.pids_.size() > TRIGON_MAX_FOLLOW) {
      return Error(ErrorCode::kInvalidPolicy, fmt::format("policy {}: more than {} different pids with followForks",
                                                          policy.name, TRIGON_MAX_FOLLOW));
    }
    if (static_cast<size_t>(negated) > kMaxNegatedFollow) {
      return Error(ErrorCode::kInvalidPolicy, fmt::format("policy {}: more than {} different pids with followForks in "
                                                          "NotIn filters",
                                                          policy.name, kMaxNegatedFollow));
    }
  }
  std::stable_sort(table.pids_.begin(), table.pids_.end(),
                   [](const Pid& a, const Pid& b) { return a.negated < b.negated; });
  return table;
}

uint64_t FollowTable::mask(const PidFilter& filter) const {
  uint64_t mask = 0;
  for (size_t bit = 0; bit < pids_.size(); ++bit) {
    const bool named = std::find(filter.pids.begin(), filter.pids.end(), pids_[bit].pid) != filter.pids.end();
    if (named && pids_[bit].namespace_pid == filter.namespace_pid) mask |= 1ULL << bit;
  }
  return mask;
}

uint64_t FollowTable::possible() const { return ((1ULL << pids_.size()) - 1) | 1ULL << TRIGON_FOLLOW_TRACE; }

void FollowTable::write(trigon_control& control) const {
  control.follow_active = pids_.empty() ? 0 : 1;
  control.follow_count = static_cast<uint32_t>(pids_.size());
  for (size_t bit = 0; bit < pids_.size(); ++bit) {
    control.follow_pid[bit] = pids_[bit].pid;
    if (pids_[bit].namespace_pid) control.follow_is_ns_pid |= 1ULL << bit;
  }
}

}  // namespace trigon::policy
