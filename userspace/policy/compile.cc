#include "policy/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "policy/hook_tables.h"
#include "policy/selector_actions.h"
#include "policy/slots.h"

namespace trigon::policy {
namespace {

constexpr SyscallPlace kRawPlace{TRIGON_ABIS, 0};

// What a program is loaded for: one that was not must be loaded anew. The other actions every program can do.
constexpr uint32_t kOfProgram = TRIGON_ACT_OVERRIDE | TRIGON_ACT_KSTACK | TRIGON_ACT_USTACK | TRIGON_ACT_IMA |
                                TRIGON_ACT_RATE | TRIGON_ACT_TRACK | TRIGON_ACT_UNTRACK | TRIGON_ACT_ENFORCER |
                                TRIGON_ACT_SET;

using Entries = std::vector<HookEntry>;

// The places that lead to a hook entry on a system call.
std::vector<SyscallPlace> places_of(const Hook& hook) {
  if (hook.raw_syscalls) return {kRawPlace};
  if (hook.target.abi == Abi::kI386) return {{TRIGON_ABI_COMPAT32, hook.target.number}};
  std::vector<SyscallPlace> places{{TRIGON_ABI_NATIVE, hook.target.number}};
  // An x32 call enters the kernel through the same function, so a kprobe on it sees it; the tracepoints of single
  // system calls leave it out.
  if (hook.kind == HookKind::kKprobe && hook.target.abi == Abi::kX64) {
    places.emplace_back(TRIGON_ABI_X32, hook.target.number);
  }
  return places;
}

bool any_returns(const Entries& entries) {
  return std::any_of(entries.begin(), entries.end(), [](const HookEntry& e) { return has_return(*e.hook); });
}

class Compilation {
 public:
  Compilation(std::span<const Policy> policies, uint32_t generation, const CompileState& state,
              const CompileOptions& options)
      : before_(state), options_(options), slots_(state.slots_in_use, TRIGON_MAX_HOOKS) {
    out_.generation = generation;
    out_.control.generation = generation;
    out_.syscalls.assign(TRIGON_ABIS * TRIGON_MAX_SYSCALLS, 0);
    out_.state.child_sets = state.child_sets;
    out_.state.next_dim = state.next_dim;
    for (const Policy& policy : policies) {
      all_.push_back(&policy);
      if (policy.enabled) enabled_.push_back(&policy);
    }
  }

  Result<CompiledSet> run() {
    TRIGON_CHECK(number_policies());
    TRIGON_TRY(const FollowTable follow, FollowTable::create(enabled_));
    follow.write(out_.control);
    TRIGON_TRY(const ChildSets children, ChildSets::create(enabled_, out_.state));
    const PathClasses classes(enabled_, options_);
    const Shared shared{classes, follow, children};
    Tables tables(out_);
    classes.write(tables, out_);
    children.write(classes, tables, out_);

    std::map<SyscallPlace, Entries> syscalls;
    std::map<HookPoint, Entries> points;
    for (const Policy* policy : enabled_) {
      for (const Hook& hook : policy->hooks) {
        if (hook.absent || hook.kind == HookKind::kLoader) continue;
        if (!hook.is_syscall) {
          points[hook.point].push_back({policy, &hook});
          continue;
        }
        for (const SyscallPlace& place : places_of(hook)) syscalls[place].push_back({policy, &hook});
      }
    }
    for (const auto& [place, entries] : syscalls) TRIGON_CHECK(add_syscall(place, entries, syscalls, shared, tables));
    for (const auto& [point, entries] : points) TRIGON_CHECK(add_point(point, entries, shared, tables));
    out_.state.slots_in_use = slots_.in_use();
    return std::move(out_);
  }

 private:
  // A number is not given to somebody else while events of the generation before may still ask for its mode.
  Result<void> number_policies() {
    std::vector<bool> used;
    for (const auto& [key, number] : before_.policies) {
      if (number >= used.size()) used.resize(number + 1U, false);
      used[number] = true;
    }
    Slots numbers(std::move(used), TRIGON_MAX_POLICIES);
    for (const Policy* policy : all_) {
      std::string key = policy_key(*policy);
      const auto known = before_.policies.find(key);
      if (known != before_.policies.end()) {
        numbers.keep(known->second);
        out_.state.policies.emplace(std::move(key), known->second);
        continue;
      }
      const auto number = numbers.allocate();
      if (!number) {
        return Error(
            ErrorCode::kInvalidPolicy,
            fmt::format("policy {}: more than {} policies, counting those that it replaces", key, TRIGON_MAX_POLICIES));
      }
      out_.state.policies.emplace(std::move(key), *number);
    }
    return {};
  }

  Result<uint16_t> new_slot(const Entries& entries) {
    if (const auto slot = slots_.allocate()) return *slot;
    return Error(ErrorCode::kInvalidPolicy,
                 fmt::format("{}: more than {} hooks (one with a return counts twice), counting the policies before it "
                             "and the hooks that this change gives up",
                             describe(entries.back()), TRIGON_MAX_HOOKS));
  }

  Result<void> add_syscall(const SyscallPlace& place, const Entries& entries,
                           const std::map<SyscallPlace, Entries>& syscalls, const Shared& shared, Tables& tables) {
    const auto& [abi, number] = place;
    if (abi == TRIGON_ABI_X32) {
      const auto& native = syscalls.at({TRIGON_ABI_NATIVE, number});  // has these entries and perhaps more
      if (native.size() == entries.size()) {
        out_.syscalls[abi * TRIGON_MAX_SYSCALLS + number] =
            out_.syscalls[TRIGON_ABI_NATIVE * TRIGON_MAX_SYSCALLS + number];
        return {};
      }
    }
    HookLayout layout;
    layout.is_syscall = true;
    TRIGON_TRY(layout.fields, required_fields(entries));
    const bool returns = any_returns(entries);
    const auto known = before_.syscalls.find(place);
    SyscallSlots slots = known == before_.syscalls.end() ? SyscallSlots{} : known->second;
    if (known == before_.syscalls.end()) {
      TRIGON_TRY(slots.slot, new_slot(entries));
    }
    if (returns && !slots.return_slot) {
      TRIGON_TRY(slots.return_slot, new_slot(entries));
    }
    slots_.keep(slots.slot);
    if (slots.return_slot) slots_.keep(*slots.return_slot);
    out_.state.syscalls.emplace(place, slots);
    layout.slot = slots.slot;
    if (returns) layout.return_slot = slots.return_slot;
    out_.syscall_returns |= returns;
    TRIGON_CHECK(add_hook(entries, layout, shared, tables));
    if (place == kRawPlace) {
      out_.control.raw_hook[out_.generation & 1] = layout.slot + 1U;
    } else {
      out_.syscalls[abi * TRIGON_MAX_SYSCALLS + number] = static_cast<uint16_t>(layout.slot + 1);
    }
    return {};
  }

  Result<void> add_point(const HookPoint& point, const Entries& entries, const Shared& shared, Tables& tables) {
    HookLayout layout;
    TRIGON_TRY(layout.fields, required_fields(entries));
    PlannedHook plan;
    plan.point = point;
    TRIGON_TRY(const uint32_t wanted, wanted_actions(entries, layout.fields));
    const bool returns = any_returns(entries);
    const auto known = before_.hooks.find(point);
    const bool stays = known != before_.hooks.end() && FieldList(known->second).covers(layout.fields) &&
                       (wanted & kOfProgram & ~known->second.actions) == 0;
    if (stays) {
      layout.fields = FieldList(known->second);
      plan.slot = known->second.slot;
      plan.return_slot = known->second.return_slot;
      plan.actions = known->second.actions;
      slots_.keep(plan.slot);
      if (returns) slots_.keep(plan.return_slot);
    } else {
      TRIGON_TRY(plan.slot, new_slot(entries));
      if (returns) {
        TRIGON_TRY(plan.return_slot, new_slot(entries));
      }
    }
    plan.fields = layout.fields.confs();
    plan.entry_fields = static_cast<uint16_t>(layout.fields.entry_size());
    plan.actions |= wanted;
    for (const HookEntry& entry : entries) {
      std::string key = policy_key(*entry.policy);
      if (plan.policies.empty() || plan.policies.back() != key) plan.policies.push_back(std::move(key));
    }
    layout.slot = plan.slot;
    if (returns) layout.return_slot = plan.return_slot;
    TRIGON_CHECK(add_hook(entries, layout, shared, tables));
    out_.planned.push_back(plan);
    out_.state.hooks.emplace(point, std::move(plan));
    return {};
  }

  static Result<uint32_t> wanted_actions(const Entries& entries, const FieldList& fields) {
    uint32_t wanted = 0;
    for (const HookEntry& entry : entries) {
      for (const Selector& selector : entry.hook->selectors) {
        const auto actions = actions_of(*entry.hook, selector, fields);
        if (!actions.ok()) return Error(actions.error()).context(describe(entry));
        wanted |= actions->entry.actions | actions->after.actions;
      }
    }
    return wanted;
  }

  const CompileState& before_;
  const CompileOptions& options_;
  Slots slots_;
  std::vector<const Policy*> all_, enabled_;
  CompiledSet out_;
};

}  // namespace

std::string policy_key(const Policy& policy) {
  return policy.k8s_namespace.empty() ? policy.name : policy.k8s_namespace + "/" + policy.name;
}

Result<CompiledSet> compile(std::span<const Policy> policies, uint32_t generation, const CompileState& state,
                            const CompileOptions& options) {
  return Compilation(policies, generation, state, options).run();
}

}  // namespace trigon::policy
