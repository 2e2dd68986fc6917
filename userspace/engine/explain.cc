#include "engine/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/mechanism.h"
#include "engine/not_carried.h"
#include "engine/user_places.h"
#include "engine/words.h"

namespace trigon::engine {
namespace {

using Kind = policy::HookPoint::Kind;

// Rounded from docs/reference/benchmarks.md, `call-open-unmatched-added` and `call-open-matched-added`; a test
// compares.
constexpr std::string_view kMeasuredCall =
    "A hooked openat with a filter on its path was measured: about 1,300 instructions more when nothing matches, 2,600 "
    "when\nan event is written, with one policy or many (docs/reference/benchmarks.md).";

struct Class {
  std::string_view kind, what;
};

Class class_of(const trigon_dim& dim) {
  switch (dim.source) {
    case TRIGON_SRC_FIELD:
      break;
    case TRIGON_SRC_NAMESPACE:
    case TRIGON_SRC_NS_CHANGES:
    case TRIGON_SRC_CAPS:
    case TRIGON_SRC_CAP_CHANGES:
    case TRIGON_SRC_CRED:
      return {"task", "credential or namespace of the task, read for each event"};
    case TRIGON_SRC_WORKLOAD:
      return {"workload", "control group, by number"};
    case TRIGON_SRC_PID:
    case TRIGON_SRC_NS_PID:
      return {"number", "number, by hash"};
    default:
      return {"process", "program or ancestry, remembered per process"};
  }
  switch (dim.lookup) {
    case TRIGON_LOOKUP_EQ:
      if (dim.part == TRIGON_PART_PATH_CLASS || dim.part == TRIGON_PART_PATH_CLASS_POST)
        return {"path", "path, remembered per file; walked and looked up once for a new one"};
      return {"number", "number, by hash"};
    case TRIGON_LOOKUP_RANGE:
      return {"range", "range or network, by trie"};
    case TRIGON_LOOKUP_SUBSTRING:
      return {"substring", "part of a text, byte by byte"};
    case TRIGON_LOOKUP_PREFIX:
    case TRIGON_LOOKUP_POSTFIX:
      return {"string", "text, by trie"};
    default:
      return {"mask", "bits, one by one"};
  }
}

void add_lookup(const trigon_dim& dim, std::vector<LookupCost>& out) {
  const Class found = class_of(dim);
  const auto same = [&](const LookupCost& cost) { return cost.kind == found.kind; };
  auto at = std::find_if(out.begin(), out.end(), same);
  if (at == out.end()) at = out.insert(out.end(), {found.kind, found.what, 0});
  ++at->count;
}

class Explainer {
 public:
  Explainer(const policy::Policy& policy, bpf::Features& features) : policy_(policy), features_(features) {}

  PolicyExplanation run() {
    PolicyExplanation out;
    out.name = policy::policy_key(policy_);
    if (policy_.source) out.file = policy_.source->name;
    out.monitor = policy_.mode == policy::Mode::kMonitor;
    out.workload = describe(policy_.workload);
    if (!policy_.k8s_namespace.empty())
      out.workload =
          fmt::format("namespace {}{}{}", policy_.k8s_namespace, out.workload.empty() ? "" : ": ", out.workload);
    compile(out);
    if (policy_.loader) out.errors.emplace_back("loader: events of loaded libraries are not made by this version");
    const bool answers = enforcer_answers(policy_);
    for (const policy::Hook& hook : policy_.hooks) {
      if (!hook.absent) out.hooks.push_back(one(hook, answers));
    }
    return out;
  }

 private:
  // By itself: with other policies at a hook, look-ups of the same kind are shared.
  void compile(PolicyExplanation& out) {
    auto set = policy::compile(std::span(&policy_, 1), 1, {});
    if (!set.ok()) {
      out.errors.push_back(set.error().message());
      return;
    }
    set_ = std::move(*set);
    for (const policy::PlannedHook& plan : set_.planned) planned_[plan.point] = &plan;
  }

  HookExplanation one(const policy::Hook& hook, bool enforcer_answers) {
    HookExplanation out;
    out.where = hook.is_syscall ? call_name(hook) : policy::describe(hook.point);
    if (hook.unresolved) out.where = fmt::format("every function that matches {}", hook.point.symbol);
    out.values = describe_values(hook);
    choose(hook, out);
    for (std::string& refused : not_carried(hook, enforcer_answers, features_)) {
      out.mechanism.clear();
      out.otherwise.clear();
      out.reasons.push_back(std::move(refused));
    }
    for (const policy::Selector& selector : hook.selectors) {
      SelectorExplanation& each = out.selectors.emplace_back();
      each.label = selector.label;
      each.filters = describe_filters(policy_, hook, selector);
      each.actions = describe_actions(hook, selector);
      each.verdict = grade_of(policy_, hook, selector);
    }
    for (uint16_t slot : slots_of(hook)) {
      const auto table = set_.hook_tables.find(slot);
      if (table == set_.hook_tables.end()) continue;
      for (uint16_t i = 0; i < table->second.dims; ++i) add_lookup(table->second.dim[i], out.lookups);
    }
    return out;
  }

  static std::string call_name(const policy::Hook& hook) {
    if (hook.raw_syscalls) return "every system call";
    const std::string name = fmt::format("sys_{}", policy::syscall_name(hook.target.abi, hook.target.number));
    const auto native = policy::native_abi(policy::host_arch());
    return hook.target.abi == native ? name : fmt::format("{}/{}", policy::abi_name(hook.target.abi), name);
  }

  void choose(const policy::Hook& hook, HookExplanation& out) {
    if (hook.is_syscall) {
      if (features_.has(bpf::Feature::kTracepointBtf)) {
        out.mechanism = "tp_btf/sys_enter";
        if (hook.point.returns) out.mechanism += ", tp_btf/sys_exit";
        out.measured = kMeasuredCall;
      } else {
        out.unknown = features_.status(bpf::Feature::kTracepointBtf).support == bpf::Support::kUnknown;
        out.reasons.push_back(fmt::format("{}: {}", bpf::feature_info(bpf::Feature::kTracepointBtf).title,
                                          features_.why_not(bpf::Feature::kTracepointBtf)));
      }
      return;
    }
    const auto plan = planned_.find(hook.point);
    MechanismChoice choice =
        choose_mechanism(hook.point, plan == planned_.end() ? 0 : plan->second->actions, features_);
    out.reasons = std::move(choice.reasons);
    if (choice.usable.empty()) {
      out.unknown = features_.status(bpf::Feature::kBpfSyscall).support == bpf::Support::kUnknown;
      return;
    }
    if (hook.point.kind == Kind::kUprobe || hook.point.kind == Kind::kUsdt) {
      if (const auto places = user_specs(hook.point, {}); !places.ok()) {
        out.reasons.push_back(places.error().message());
        return;
      }
    }
    out.mechanism = bpf::mechanism_name(choice.usable.front());
    for (size_t i = 1; i < choice.usable.size(); ++i) out.otherwise.emplace_back(bpf::mechanism_name(choice.usable[i]));
  }

  std::vector<uint16_t> slots_of(const policy::Hook& hook) const {
    if (!hook.is_syscall) {
      const auto plan = planned_.find(hook.point);
      if (plan == planned_.end()) return {};
      std::vector<uint16_t> slots{plan->second->slot};
      if (hook.point.returns) slots.push_back(plan->second->return_slot);
      return slots;
    }
    const uint8_t abi = hook.target.abi == policy::Abi::kI386 ? TRIGON_ABI_COMPAT32 : TRIGON_ABI_NATIVE;
    const auto place =
        hook.raw_syscalls ? policy::SyscallPlace{TRIGON_ABIS, 0} : policy::SyscallPlace{abi, hook.target.number};
    const auto found = set_.state.syscalls.find(place);
    if (found == set_.state.syscalls.end()) return {};
    std::vector<uint16_t> slots{found->second.slot};
    if (found->second.return_slot) slots.push_back(*found->second.return_slot);
    return slots;
  }

  const policy::Policy& policy_;
  bpf::Features& features_;
  policy::CompiledSet set_;
  std::map<policy::HookPoint, const policy::PlannedHook*> planned_;
};

}  // namespace

bool PolicyExplanation::served() const {
  return errors.empty() && std::all_of(hooks.begin(), hooks.end(), [](const HookExplanation& hook) {
           return hook.unknown || !hook.mechanism.empty();
         });
}

PolicyExplanation explain(const policy::Policy& policy, bpf::Features& features) {
  return Explainer(policy, features).run();
}

}  // namespace trigon::engine
