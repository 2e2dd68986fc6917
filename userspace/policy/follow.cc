#include "policy/follow.h"

#include <fmt/format.h>

#include <algorithm>

namespace trigon::policy {

Result<FollowTable> FollowTable::create(std::span<const Policy* const> policies) {
  FollowTable table;
  for (const Policy* policy : policies) {
    for (const Hook& hook : policy->hooks) {
      for (const Selector& selector : hook.selectors) {
        for (const PidFilter& filter : selector.pids) {
          if (!filter.follow_forks) continue;
          for (uint32_t pid : filter.pids) {
            const std::pair key(pid, filter.namespace_pid);
            if (std::find(table.pids_.begin(), table.pids_.end(), key) == table.pids_.end()) table.pids_.push_back(key);
          }
          if (table.pids_.size() > TRIGON_MAX_FOLLOW) {
            return Error(ErrorCode::kInvalidPolicy,
                         fmt::format("policy {}: more than {} different pids with followForks, counting the policies "
                                     "before it",
                                     policy->name, TRIGON_MAX_FOLLOW));
          }
        }
      }
    }
  }
  return table;
}

uint64_t FollowTable::mask(const PidFilter& filter) const {
  uint64_t mask = 0;
  for (size_t bit = 0; bit < pids_.size(); ++bit) {
    const auto& [pid, of_namespace] = pids_[bit];
    if (of_namespace != filter.namespace_pid) continue;
    if (std::find(filter.pids.begin(), filter.pids.end(), pid) != filter.pids.end()) mask |= 1ULL << bit;
  }
  return mask;
}

void FollowTable::write(trigon_control& control) const {
  control.follow_active = pids_.empty() ? 0 : 1;
  control.follow_count = static_cast<uint32_t>(pids_.size());
  for (size_t bit = 0; bit < pids_.size(); ++bit) {
    control.follow_pid[bit] = pids_[bit].first;
    if (pids_[bit].second) control.follow_is_ns_pid |= 1ULL << bit;
  }
}

}  // namespace trigon::policy
