#include "engine/store.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <set>

#include "base/suggest.h"
#include "engine/not_carried.h"
#include "engine/user_places.h"

namespace trigon::engine {

namespace {

std::optional<policy::FileId> file_of(const std::string& path) {
  struct stat st;
  if (stat(path.c_str(), &st) != 0) return std::nullopt;
  // As the kernel has it in s_dev: 12 bits of major, 20 of minor (include/linux/kdev_t.h).
  return policy::FileId{static_cast<uint32_t>(major(st.st_dev)) << 20 | static_cast<uint32_t>(minor(st.st_dev)),
                        st.st_ino};
}

void add(PolicyCounts& to, const trigon_selector_stats& from) {
  to.matches += from.matches;
  to.posts += from.posts;
  to.limited += from.limited;
  to.signals += from.signals;
  to.overrides += from.overrides;
  to.monitored += from.monitored;
}

bool hooks_syscalls(const policy::Policy& policy) {
  return std::any_of(policy.hooks.begin(), policy.hooks.end(),
                     [](const policy::Hook& hook) { return hook.is_syscall; });
}

}  // namespace

std::string_view policy_state_name(PolicyState state) {
  switch (state) {
    case PolicyState::kEnabled:
      return "enabled";
    case PolicyState::kDisabled:
      return "disabled";
    case PolicyState::kError:
      return "error";
  }
  return "";
}

Result<std::vector<PolicyFailure>> PolicyStore::replace(const std::string& origin,
                                                        std::vector<policy::Policy> policies) {
  std::vector<Change> changes;
  changes.push_back({origin, std::move(policies)});
  return replace(std::move(changes));
}

Result<std::vector<PolicyFailure>> PolicyStore::replace(std::vector<Change> changes) {
  std::set<std::string_view> origins;
  for (const Change& change : changes) origins.insert(change.origin);
  std::vector<Entry> entries;
  std::map<std::string, std::string> taken;  // name to origin
  for (const Entry& entry : entries_) {
    if (origins.contains(entry.origin)) continue;
    taken[policy::policy_key(entry.policy)] = entry.origin;
    entries.push_back(entry);
  }
  for (Change& change : changes) {
    for (policy::Policy& policy : change.policies) {
      const auto [same, is_free] = taken.try_emplace(policy::policy_key(policy), change.origin);
      if (!is_free)
        return Error(ErrorCode::kInvalidPolicy,
                     fmt::format("{}: a policy with the name \"{}\" is in force already, from {}", change.origin,
                                 same->first, same->second));
      entries.push_back({change.origin, std::move(policy), {}, true});
    }
  }
  if (entries.empty() && entries_.empty()) return std::vector<PolicyFailure>();
  return apply(std::move(entries));
}

Result<std::shared_ptr<const policy::CompiledSet>> PolicyStore::compile(const std::vector<Entry>& entries) {
  std::vector<policy::Policy> all;
  all.reserve(entries.size());
  for (const Entry& entry : entries)
    if (entry.error.empty()) all.push_back(entry.policy);
  policy::CompileOptions options;
  options.resolve_file = file_of;
  TRIGON_TRY(policy::CompiledSet compiled, policy::compile(all, generation_ + 1, state_, options));
  return std::make_shared<const policy::CompiledSet>(std::move(compiled));
}

// Of new policies what no hook program would find out: what they ask for and nobody carries out, and binaryDigests (a
// file that is none of those allowed is left alone, or fails the policy).
void PolicyStore::check_new(std::vector<Entry>& entries, std::vector<PolicyFailure>& failed) const {
  for (Entry& entry : entries) {
    if (!entry.is_new) continue;
    if (const auto missing = not_carried(entry.policy, *features_); !missing.empty()) {
      entry.error = fmt::format("{}", fmt::join(missing, "\n"));
      failed.push_back({policy::policy_key(entry.policy), Error(ErrorCode::kUnsupported, entry.error)});
    }
    for (policy::Hook& hook : entry.policy.hooks) {
      if (hook.digests.empty() || !entry.error.empty()) continue;
      const auto checked = check_digests(hook.point.path, hook.digests);
      if (checked.ok()) continue;
      if (hook.skip_on_digest) {
        hook.absent = true;
        continue;
      }
      entry.error = checked.error().message();
      failed.push_back({policy::policy_key(entry.policy), checked.error()});
    }
  }
}

Result<std::vector<PolicyFailure>> PolicyStore::apply(std::vector<Entry> entries) {
  TRIGON_CHECK(sensor_->prepare_policies());
  std::vector<PolicyFailure> failed;
  check_new(entries, failed);
  for (;;) {
    TRIGON_TRY(const auto set, compile(entries));
    const std::vector<HookFailure> failures = hooks_.prepare(set->planned);
    if (failures.empty()) {
      if (auto published = publish(set, entries); !published.ok()) {
        hooks_.rollback();
        return std::move(published).error();
      }
      hooks_.commit();
      break;
    }
    hooks_.rollback();
    // Who is new is to blame: the others' hooks were there before, and would be served as they were.
    bool blamed = false;
    for (const Entry& entry : entries) {
      // In the place of something that works it must not come.
      const auto same = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& old) {
        return old.origin == entry.origin && old.error.empty() && old.policy.enabled;
      });
      if (!entry.is_new || same == entries_.end()) continue;
      const std::string key = policy::policy_key(entry.policy);
      for (const HookFailure& failure : failures) {
        if (std::find(failure.policies.begin(), failure.policies.end(), key) == failure.policies.end()) continue;
        return Error(failure.error.code(),
                     fmt::format("policy {}: {}: {}", key, policy::describe(failure.point), failure.error.message()));
      }
    }
    for (Entry& entry : entries) {
      if (!entry.is_new || !entry.error.empty()) continue;
      const std::string key = policy::policy_key(entry.policy);
      for (const HookFailure& failure : failures) {
        if (std::find(failure.policies.begin(), failure.policies.end(), key) == failure.policies.end()) continue;
        if (!entry.error.empty()) entry.error += "\n";
        entry.error += fmt::format("{}: {}", policy::describe(failure.point), failure.error.message());
        blamed = true;
      }
      if (entry.error.empty()) continue;
      const auto code = failures.front().error.code();
      failed.push_back({key, Error(code, entry.error)});
    }
    if (!blamed) return Error(failures.front().error.code(), failures.front().error.message());
  }
  for (Entry& entry : entries) entry.is_new = false;
  entries_ = std::move(entries);
  std::set<std::string> alive;
  for (const Entry& entry : entries_) alive.insert(policy::policy_key(entry.policy));
  std::erase_if(counts_, [&](const auto& each) { return !alive.contains(each.first); });
  return failed;
}

Result<void> PolicyStore::publish(std::shared_ptr<const policy::CompiledSet> set, const std::vector<Entry>& entries) {
  // Modes first: a policy without one would enforce nothing.
  for (const Entry& entry : entries) {
    const auto number = set->state.policies.find(policy::policy_key(entry.policy));
    if (number == set->state.policies.end()) continue;
    const uint32_t index = number->second;
    const trigon_policy_state mode{entry.policy.mode == policy::Mode::kMonitor};
    TRIGON_CHECK(sensor_->policies().update(&index, &mode));
  }
  const auto old = sets_.empty() ? nullptr : sets_.front();
  // Before the tables: the first match must find its set. A generation that is never published is never asked for.
  sets_.push_front(set);
  const bool syscalls =
      std::any_of(set->syscalls.begin(), set->syscalls.end(), [](uint16_t slot) { return slot != 0; }) ||
      set->control.raw_hook[set->generation & 1] != 0;
  const bool watched = set->control.changes_active || set->control.child_dim[set->generation & 1] != 0;
  auto applied = syscalls ? sensor_->attach_syscalls(set->syscall_returns) : Result<void>();
  if (applied.ok() && watched) applied = sensor_->watch_processes(true);
  if (applied.ok()) applied = writer_.apply(set);
  if (!applied.ok()) {
    sets_.pop_front();
    state_.next_dim = set->state.next_dim;
    return std::move(applied).error().context("load policies into the kernel");
  }
  if (!syscalls) sensor_->detach_syscalls();
  if (!watched) (void)sensor_->watch_processes(false);
  if (old) collect(*old);
  generation_ = set->generation;
  state_ = set->state;
  if (sets_.size() > kKeptSets) sets_.pop_back();
  return {};
}

void PolicyStore::collect(const policy::CompiledSet& set) {
  const std::vector<trigon_selector_stats> stats = writer_.take_stats(set);
  for (size_t i = 0; i < stats.size() && i < set.selector_policy.size(); ++i)
    add(counts_[set.selector_policy[i]], stats[i]);
}

PolicyStore::Entry* PolicyStore::entry_of(const std::string& name) {
  for (Entry& entry : entries_)
    if (policy::policy_key(entry.policy) == name) return &entry;
  return nullptr;
}

Error PolicyStore::not_found(const std::string& name) const {
  std::vector<std::string> all = names();
  std::vector<std::string_view> views(all.begin(), all.end());
  return Error(ErrorCode::kNotFound, fmt::format("no policy \"{}\"{}", name, did_you_mean(name, views)));
}

Result<void> PolicyStore::set_enabled(const std::string& name, bool enabled) {
  const Entry* entry = entry_of(name);
  if (entry == nullptr) return not_found(name);
  if (!entry->error.empty()) return Error(fmt::format("policy \"{}\" could not be loaded: {}", name, entry->error));
  if (entry->policy.enabled == enabled) return {};
  std::vector<Entry> entries = entries_;
  for (Entry& each : entries)
    if (policy::policy_key(each.policy) == name) {
      each.policy.enabled = enabled;
      each.is_new = enabled;
    }
  TRIGON_TRY(const auto failed, apply(std::move(entries)));
  if (!failed.empty()) return Error(failed.front().error.code(), failed.front().error.message());
  return {};
}

Result<void> PolicyStore::set_mode(const std::string& name, policy::Mode mode) {
  Entry* entry = entry_of(name);
  if (entry == nullptr) return not_found(name);
  entry->policy.mode = mode;
  const auto number = state_.policies.find(name);
  if (number == state_.policies.end()) return {};
  const uint32_t index = number->second;
  const trigon_policy_state state{mode == policy::Mode::kMonitor};
  return sensor_->policies().update(&index, &state);
}

size_t PolicyStore::size() const {
  return static_cast<size_t>(
      std::count_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.error.empty(); }));
}

std::vector<std::string> PolicyStore::names() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) names.push_back(policy::policy_key(entry.policy));
  return names;
}

std::vector<PolicyStatus> PolicyStore::status() {
  std::map<std::string, PolicyCounts> counts = counts_;
  std::map<std::string, uint64_t> bytes;
  if (!sets_.empty()) {
    const policy::CompiledSet& set = *sets_.front();
    const auto stats = writer_.read_stats(set);
    for (size_t i = 0; i < stats.size() && i < set.selector_policy.size(); ++i)
      add(counts[set.selector_policy[i]], stats[i]);
    // Entries are shared by whoever says the same; a policy's part is that of its selectors.
    const size_t selectors = std::max<size_t>(set.selector_policy.size(), 1);
    const uint64_t tables = TableWriter::kernel_bytes(set);
    for (const std::string& policy : set.selector_policy) bytes[policy] += tables / selectors;
  }
  const std::vector<HookStatus> hooks = hooks_.status();
  std::vector<PolicyStatus> out;
  for (const Entry& entry : entries_) {
    PolicyStatus status;
    status.name = policy::policy_key(entry.policy);
    status.origin = entry.origin;
    status.mode = entry.policy.mode;
    status.error = entry.error;
    status.state = !entry.error.empty()   ? PolicyState::kError
                   : entry.policy.enabled ? PolicyState::kEnabled
                                          : PolicyState::kDisabled;
    status.syscalls = hooks_syscalls(entry.policy);
    status.kernel_bytes = bytes[status.name];
    for (const HookStatus& hook : hooks) {
      if (std::find(hook.policies.begin(), hook.policies.end(), status.name) == hook.policies.end()) continue;
      status.kernel_bytes += hook.kernel_bytes / hook.policies.size();
      status.hooks.push_back(hook);
    }
    status.counts = counts[status.name];
    out.push_back(std::move(status));
  }
  return out;
}

std::shared_ptr<const policy::CompiledSet> PolicyStore::find(uint32_t generation) const {
  for (const auto& set : sets_)
    if (set->generation == generation) return set;
  return nullptr;
}

}  // namespace trigon::engine
