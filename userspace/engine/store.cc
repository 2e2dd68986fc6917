#include "engine/store.h"

#include <fmt/format.h>

#include <algorithm>

namespace trigon::engine {

Result<void> PolicyStore::replace(const std::string& origin, std::vector<policy::Policy> policies) {
  std::vector<Entry> entries;
  for (const Entry& entry : entries_)
    if (entry.origin != origin) entries.push_back(entry);
  const size_t kept = entries.size();
  for (policy::Policy& policy : policies) {
    auto same = std::find_if(entries.begin(), entries.begin() + static_cast<ptrdiff_t>(kept),
                             [&](const Entry& entry) { return entry.policy.name == policy.name; });
    if (same != entries.begin() + static_cast<ptrdiff_t>(kept))
      return Error(ErrorCode::kInvalidPolicy,
                   fmt::format("{}: a policy with the name \"{}\" is in force already, from {}", origin, policy.name,
                               same->origin));
    entries.push_back({origin, std::move(policy)});
  }
  if (entries.empty() && entries_.empty()) return {};

  std::vector<policy::Policy> all;
  all.reserve(entries.size());
  for (const Entry& entry : entries) all.push_back(entry.policy);
  TRIGON_TRY(policy::CompiledSet compiled, policy::compile(all, generation_ + 1, next_dim_));
  auto set = std::make_shared<const policy::CompiledSet>(std::move(compiled));
  // Before the tables: the first match must find its set. A generation that is never published is never asked for.
  sets_.push_front(set);
  if (auto applied = writer_.apply(set); !applied.ok()) {
    sets_.pop_front();
    next_dim_ = set->next_dim;
    return std::move(applied).error().context("load policies into the kernel");
  }
  generation_ = set->generation;
  next_dim_ = set->next_dim;
  entries_ = std::move(entries);
  if (sets_.size() > kKeptSets) sets_.pop_back();
  if (set->hook_tables.empty()) {
    sensor_->detach_syscalls();
    return {};
  }
  return sensor_->attach_syscalls();
}

size_t PolicyStore::size() const { return entries_.size(); }

std::vector<std::string> PolicyStore::names() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) names.push_back(entry.policy.name);
  return names;
}

std::shared_ptr<const policy::CompiledSet> PolicyStore::find(uint32_t generation) const {
  for (const auto& set : sets_)
    if (set->generation == generation) return set;
  return nullptr;
}

}  // namespace trigon::engine
