#include "policy/hook_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "policy/selector_actions.h"

namespace trigon::policy {
namespace {

Error limit(const HookEntry& entry, std::string_view what, size_t max) {
  return Error(ErrorCode::kInvalidPolicy,
               fmt::format("{}: more than {} {}, counting the policies before it", describe(entry), max, what));
}

std::string hook_name(const Hook& hook) {
  if (!hook.function.empty()) return hook.function;
  if (!hook.event.empty()) return hook.subsystem + "/" + hook.event;
  return describe(hook.point);
}

void add_spec(const FieldList& fields, const Arg& arg, std::vector<ArgSpec>& out) {
  FieldList::reads(arg, [&](const trigon_field_conf& conf) {
    out.push_back({fields.find(conf), arg.type, arg.label, arg.index});
  });
}

std::shared_ptr<const HookSpec> make_spec(const HookEntry& entry, const FieldList& fields) {
  const Hook& hook = *entry.hook;
  auto spec = std::make_shared<HookSpec>();
  spec->policy = entry.policy->name;
  spec->policy_namespace = entry.policy->k8s_namespace;
  spec->kind = hook.kind;
  spec->function = hook.function;
  spec->subsystem = hook.subsystem;
  spec->event = hook.event;
  spec->path = hook.point.path;
  spec->offset = hook.point.offset;
  spec->ref_ctr_offset = hook.point.ref_ctr_offset;
  spec->message = hook.message;
  spec->tags = hook.tags;
  for (const Arg& arg : hook.args) add_spec(fields, arg, spec->args);
  for (const Arg& arg : hook.data) add_spec(fields, arg, spec->data);
  if (hook.return_arg) add_spec(fields, *hook.return_arg, spec->returns);
  return spec;
}

bool is_restricted(const Hook& hook, Role role, size_t position) {
  const auto names = [&](const ArgFilter& f) {
    if (f.role != role) return false;
    return f.arg == position || (f.predicate.part == TRIGON_PART_GAINED && f.second == position);
  };
  return std::any_of(hook.selectors.begin(), hook.selectors.end(), [&](const Selector& s) {
    return std::any_of(s.args.begin(), s.args.end(), names) ||
           std::any_of(s.return_args.begin(), s.return_args.end(), names);
  });
}

const Arg& second_of(const Hook& hook, const ArgFilter& filter) {
  return filter.role == Role::kData ? hook.data[filter.second] : hook.args[filter.second];
}

// One of the two tables while it is being filled.
class Phase {
 public:
  Phase(const HookLayout& layout, bool after, const SelectorBits& all, size_t selectors, const Shared& shared,
        Tables& tables)
      : fields_(layout.fields),
        table_(tables.out().hook_tables[after ? *layout.return_slot : layout.slot]),
        dims_(all, selectors, shared) {
    table_ = {};
    table_.selectors = static_cast<uint16_t>(selectors);
    table_.words = static_cast<uint16_t>((selectors + 63) / 64);
    table_.sel_base = static_cast<uint32_t>(tables.out().selectors.size());
    table_.all = tables.vector(all);
    table_.fields = static_cast<uint16_t>(fields_.entry_size());
    table_.return_fields = static_cast<uint32_t>(fields_.size() - fields_.entry_size());
    if (layout.return_slot && !after) table_.return_slot = *layout.return_slot + 1U;
    for (size_t i = 0; layout.is_syscall && i < fields_.size(); ++i) {
      const trigon_field_conf& conf = fields_.at(i);
      uint8_t flags = conf.flags;
      if (conf.source == TRIGON_FROM_RETURN) flags |= TRIGON_CONF_RESULT;
      table_.field[i] = {conf.type, conf.arg, conf.size_arg, flags, conf.max};
    }
  }

  void add(size_t number, const Hook& hook, const ArgFilter& filter) {
    const Arg& arg = arg_of(hook, filter);
    uint8_t second = 0;
    if (filter.predicate.part == TRIGON_PART_GAINED) second = fields_.find(second_of(hook, filter));
    dims_.add_field(number, arg, fields_.find(arg), second, filter.predicate);
  }

  Dimensions& dims() { return dims_; }
  void write(Tables& tables) { dims_.write(tables, table_); }

 private:
  const FieldList& fields_;
  trigon_hook& table_;
  Dimensions dims_;
};

uint32_t workload_number(CompiledSet& out, const Policy& policy, const Workload& workload) {
  WorkloadFilter filter{policy.k8s_namespace, workload};
  const auto known = std::find(out.workload_filters.begin(), out.workload_filters.end(), filter);
  const auto number = static_cast<uint32_t>(known - out.workload_filters.begin());
  if (known == out.workload_filters.end()) out.workload_filters.push_back(std::move(filter));
  return number;
}

void add_process_filters(const Policy& policy, const Selector& selector, size_t number, Dimensions& dims,
                         CompiledSet& out) {
  for (const BinaryFilter& filter : selector.binaries) {
    dims.add_binary(number, policy, filter);
    out.control.parents_active |= filter.parent;
  }
  for (const PidFilter& filter : selector.pids) dims.add_pids(number, filter);
  for (const TaskFilter& filter : selector.tasks) {
    dims.add_task(number, filter);
    out.control.changes_active |= filter.source == TRIGON_SRC_NS_CHANGES || filter.source == TRIGON_SRC_CAP_CHANGES;
  }
  if (!policy.workload.any() || !policy.k8s_namespace.empty()) {
    dims.add_workload(number, workload_number(out, policy, policy.workload));
  }
  if (selector.workload && !selector.workload->any()) {
    dims.add_workload(number, workload_number(out, policy, *selector.workload));
  }
}

// A filter is asked when its values are there.
bool reads_at_return(const Hook& hook, const ArgFilter& filter) {
  if (at_return(arg_of(hook, filter).conf)) return true;
  return filter.predicate.part == TRIGON_PART_GAINED && at_return(second_of(hook, filter).conf);
}

struct Planned {
  std::vector<SelectorActions> actions;  // by selector number
  SelectorBits all, after;               // selectors at entry, those that go on to the return
};

Result<Planned> plan_selectors(const std::vector<HookEntry>& entries, const FieldList& fields) {
  Planned out;
  for (const HookEntry& entry : entries) {
    const auto begin = static_cast<uint16_t>(out.actions.size());
    const size_t end = begin + entry.hook->selectors.size();
    if (end > TRIGON_MAX_SELECTORS) return limit(entry, "selectors", TRIGON_MAX_SELECTORS);
    for (const Selector& selector : entry.hook->selectors) {
      auto made = actions_of(*entry.hook, selector, fields);
      if (!made.ok()) return std::move(made).error().context(describe(entry));
      SelectorActions& actions = *made;
      for (trigon_selector* meta : {&actions.entry, &actions.after}) {
        meta->spec_begin = begin;
        meta->spec_end = static_cast<uint16_t>(end);
      }
      out.all.set(out.actions.size(), true);
      out.after.set(out.actions.size(), (actions.entry.actions & TRIGON_ACT_RETURN) != 0);
      out.actions.push_back(actions);
    }
  }
  return out;
}

Result<void> add_filters(const HookEntry& entry, const Selector& selector, size_t number, bool goes_on, Phase& first,
                         std::optional<Phase>& after, CompiledSet& out) {
  add_process_filters(*entry.policy, selector, number, first.dims(), out);
  for (const auto* list : {&selector.args, &selector.return_args}) {
    for (const ArgFilter& filter : *list) {
      const bool substring =
          filter.predicate.match == Match::kSubstring || filter.predicate.match == Match::kSubstringIgnoreCase;
      if (substring && filter.predicate.negated) {
        return Error(ErrorCode::kInvalidPolicy,
                     describe(entry) + ": there is no negated SubString; match it in a selector before, with NoPost");
      }
      const bool late = list == &selector.return_args || reads_at_return(*entry.hook, filter);
      if (!late) {
        first.add(number, *entry.hook, filter);
      } else if (after && goes_on) {
        after->add(number, *entry.hook, filter);
      }
    }
  }
  if (first.dims().size() > TRIGON_MAX_DIMS || (after && after->dims().size() > TRIGON_MAX_DIMS)) {
    return limit(entry, "look-ups for one event", TRIGON_MAX_DIMS);
  }
  return {};
}

}  // namespace

std::string describe(const HookEntry& entry) {
  return fmt::format("policy {}: {}", policy_key(*entry.policy), hook_name(*entry.hook));
}

Result<FieldList> required_fields(const std::vector<HookEntry>& entries) {
  FieldList fields;
  for (const HookEntry& entry : entries) {
    const Hook& hook = *entry.hook;
    for (size_t i = 0; i < hook.args.size(); ++i) fields.add(hook.args[i], is_restricted(hook, Role::kArg, i));
    for (size_t i = 0; i < hook.data.size(); ++i) fields.add(hook.data[i], is_restricted(hook, Role::kData, i));
    if (hook.return_arg) fields.add(*hook.return_arg, is_restricted(hook, Role::kReturn, 0));
    const bool ima = std::any_of(hook.selectors.begin(), hook.selectors.end(),
                                 [](const Selector& s) { return s.actions.ima || s.return_actions.ima; });
    if (ima) fields.add(ima_file(hook), false);
    if (fields.size() > TRIGON_MAX_FIELDS) return limit(entry, "different values are read", TRIGON_MAX_FIELDS);
    for (size_t i = 0; hook.is_syscall && i < fields.size(); ++i) {
      const trigon_field_conf& conf = fields.at(i);
      if (conf.steps == 0 && (conf.source == TRIGON_FROM_ARG || conf.source == TRIGON_FROM_RETURN)) continue;
      return Error(ErrorCode::kInvalidPolicy,
                   describe(entry) +
                       ": `resolve` and `source` cannot be read at a system call; hook a kernel function "
                       "behind it (syscall: false)");
    }
  }
  fields.sort();
  return fields;
}

Result<uint32_t> add_hook(const std::vector<HookEntry>& entries, const HookLayout& layout, const Shared& shared,
                          Tables& tables) {
  CompiledSet& out = tables.out();
  TRIGON_TRY(Planned planned, plan_selectors(entries, layout.fields));
  const size_t selectors = planned.actions.size();
  const size_t phases = layout.return_slot ? 2 : 1;
  if (out.selectors.size() + phases * selectors > TRIGON_MAX_SELECTOR_META) {
    return limit(entries.back(), "selectors over all hooks", TRIGON_MAX_SELECTOR_META);
  }

  Phase first(layout, false, planned.all, selectors, shared, tables);
  std::vector<SelectorRef> refs;
  std::vector<uint16_t> numbers;  // of the policy, by selector
  refs.reserve(selectors);
  for (const HookEntry& entry : entries) {
    const auto spec = make_spec(entry, layout.fields);
    const std::string key = policy_key(*entry.policy);
    const uint16_t policy = out.state.policies.at(key);
    for (const Selector& selector : entry.hook->selectors) {
      planned.actions[refs.size()].entry.policy = planned.actions[refs.size()].after.policy = policy;
      refs.push_back({spec, info_of(selector, planned.actions[refs.size()])});
      out.selectors.push_back(planned.actions[refs.size() - 1].entry);
      out.selector_policy.push_back(key);
    }
  }
  std::optional<Phase> after;
  if (layout.return_slot) {
    after.emplace(layout, true, planned.after, selectors, shared, tables);
    const size_t begin = out.selectors.size() - selectors;
    for (size_t i = 0; i < selectors; ++i) {
      out.selectors.push_back(planned.actions[i].after);
      out.selector_policy.push_back(out.selector_policy[begin + i]);
    }
  }

  size_t number = 0;
  for (const HookEntry& entry : entries) {
    for (const Selector& selector : entry.hook->selectors) {
      TRIGON_CHECK(add_filters(entry, selector, number, planned.after.test(number), first, after, out));
      ++number;
    }
  }
  first.write(tables);
  if (after) after->write(tables);
  if (tables.overflow()) return limit(entries.back(), "different sets of selectors", TRIGON_MAX_VECTORS);

  uint32_t actions = 0;
  for (const SelectorActions& a : planned.actions) actions |= a.entry.actions | a.after.actions;
  if (actions & (TRIGON_ACT_TRACK | TRIGON_ACT_UNTRACK)) out.control.track_active = 1;
  if (layout.return_slot) out.hooks[*layout.return_slot] = refs;
  out.hooks[layout.slot] = std::move(refs);
  return actions;
}

}  // namespace trigon::policy
