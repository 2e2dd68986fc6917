#include "policy/hook_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace trigon::policy {
namespace {

Error limit(const Policy& policy, std::string_view hook, std::string_view what, size_t max) {
  return Error(ErrorCode::kInvalidPolicy, fmt::format("policy {}: {}: more than {} {}, counting the policies before it",
                                                      policy.name, hook, max, what));
}

std::string hook_name(const Hook& hook) {
  return hook.kind == HookKind::kKprobe ? hook.function : hook.subsystem + "/" + hook.event;
}

bool same_field(const trigon_field_conf& a, const trigon_field_conf& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

// Every value that some policy at the hook wants, each once.
class FieldList {
 public:
  // The registers that an argument stands for: one, or all of them for the args array.
  static std::vector<trigon_field_conf> reads(const Arg& arg) {
    std::vector<trigon_field_conf> out;
    if (arg.conf.type == TRIGON_ARG_NONE) return out;
    for (uint8_t i = 0; i < arg.spread; ++i) {
      out.push_back(arg.conf);
      out.back().arg = static_cast<uint8_t>(arg.conf.arg + i);
    }
    return out;
  }

  void add(const Arg& arg, bool restricted) {
    for (const trigon_field_conf& conf : reads(arg)) {
      const int rank = (restricted ? 0 : 2) + (arg.kind == ValueKind::kString ? 1 : 0);
      const auto known =
          std::find_if(fields_.begin(), fields_.end(), [&](auto& f) { return same_field(f.conf, conf); });
      if (known == fields_.end()) {
        fields_.push_back({conf, rank});
      } else {
        known->rank = std::min(known->rank, rank);
      }
    }
  }

  // What decides comes first, and of that what costs no memory access.
  void sort() {
    std::stable_sort(fields_.begin(), fields_.end(), [](auto& a, auto& b) { return a.rank < b.rank; });
  }

  size_t size() const { return fields_.size(); }
  const trigon_field_conf& at(size_t i) const { return fields_[i].conf; }
  uint8_t find(const trigon_field_conf& conf) const {
    const auto it = std::find_if(fields_.begin(), fields_.end(), [&](auto& f) { return same_field(f.conf, conf); });
    return static_cast<uint8_t>(it - fields_.begin());
  }

 private:
  struct Field {
    trigon_field_conf conf;
    int rank;
  };
  std::vector<Field> fields_;
};

std::shared_ptr<const HookSpec> make_spec(const HookEntry& entry, const FieldList& fields) {
  const Hook& hook = *entry.hook;
  auto spec = std::make_shared<HookSpec>();
  spec->policy = entry.policy->name;
  spec->kind = hook.kind;
  spec->function = hook.function;
  spec->subsystem = hook.subsystem;
  spec->event = hook.event;
  spec->message = hook.message;
  spec->tags = hook.tags;
  for (const Arg& arg : hook.args) {
    for (const trigon_field_conf& conf : FieldList::reads(arg)) {
      spec->args.push_back({fields.find(conf), arg.type, arg.label, arg.index});
    }
  }
  return spec;
}

SelectorInfo make_info(const Selector& selector) {
  SelectorInfo info;
  if (selector.actions.post) info.actions |= TRIGON_ACT_POST;
  if (selector.actions.signal) info.actions |= TRIGON_ACT_SIGNAL;
  info.signal = selector.actions.signal;
  info.is_sigkill = selector.actions.is_sigkill;
  info.label = selector.label;
  return info;
}

Result<FieldList> collect_fields(const std::vector<HookEntry>& entries) {
  FieldList fields;
  for (const auto& [policy, hook] : entries) {
    for (size_t i = 0; i < hook->args.size(); ++i) {
      const bool restricted = std::any_of(hook->selectors.begin(), hook->selectors.end(), [&](const Selector& s) {
        return std::any_of(s.args.begin(), s.args.end(), [&](const ArgFilter& f) { return f.arg == i; });
      });
      fields.add(hook->args[i], restricted);
    }
    if (fields.size() > TRIGON_MAX_FIELDS) {
      return limit(*policy, hook_name(*hook), "different arguments are read", TRIGON_MAX_FIELDS);
    }
  }
  fields.sort();
  return fields;
}

// One selector's filters. False: too many dimensions.
bool add_filters(const Hook& hook, const Selector& selector, size_t number, const FieldList& fields,
                 const FollowTable& follow, Dimensions& dims) {
  for (const ArgFilter& filter : selector.args) {
    const Arg& arg = hook.args[filter.arg];
    dims.add_arg(number, arg, fields.find(arg.conf), filter.predicate);
    if (dims.size() > TRIGON_MAX_DIMS) return false;
  }
  for (const BinaryFilter& filter : selector.binaries) dims.add_binary(number, filter.predicate);
  for (const PidFilter& filter : selector.pids) {
    dims.add_pids(number, filter, follow);
    if (dims.size() > TRIGON_MAX_DIMS) return false;
  }
  return dims.size() <= TRIGON_MAX_DIMS;
}

}  // namespace

Result<void> add_hook(const std::vector<HookEntry>& entries, const BinaryClasses& binaries, const FollowTable& follow,
                      Tables& tables, CompiledSet& out) {
  TRIGON_TRY(const FieldList fields, collect_fields(entries));
  size_t selectors = 0;
  for (const HookEntry& entry : entries) {
    selectors += entry.hook->selectors.size();
    if (selectors > TRIGON_MAX_SELECTORS) {
      return limit(*entry.policy, hook_name(*entry.hook), "selectors", TRIGON_MAX_SELECTORS);
    }
  }
  if (out.selectors.size() + selectors > TRIGON_MAX_SELECTOR_META) {
    return limit(*entries.back().policy, hook_name(*entries.back().hook), "selectors over all hooks",
                 TRIGON_MAX_SELECTOR_META);
  }

  const auto slot = static_cast<uint16_t>(out.hook_tables.size());
  trigon_hook& table = out.hook_tables[slot];
  table.selectors = static_cast<uint16_t>(selectors);
  table.words = static_cast<uint16_t>((selectors + 63) / 64);
  table.sel_base = static_cast<uint32_t>(out.selectors.size());
  table.all = tables.vector(SelectorBits::first(selectors));
  for (size_t i = 0; i < fields.size(); ++i) {
    const trigon_field_conf& conf = fields.at(i);
    table.field[table.fields++] = {conf.type, conf.arg, conf.size_arg, conf.flags, conf.max};
  }

  Dimensions dims(selectors);
  std::vector<SelectorRef>& refs = out.hooks[slot];
  for (const HookEntry& entry : entries) {
    const auto spec = make_spec(entry, fields);
    const auto begin = static_cast<uint16_t>(refs.size());
    const auto end = static_cast<uint16_t>(begin + entry.hook->selectors.size());
    for (const Selector& selector : entry.hook->selectors) {
      if (!add_filters(*entry.hook, selector, refs.size(), fields, follow, dims)) {
        return limit(*entry.policy, hook_name(*entry.hook), "look-ups for one event", TRIGON_MAX_DIMS);
      }
      const SelectorInfo info = make_info(selector);
      refs.push_back({spec, info});
      trigon_selector meta{};
      meta.actions = info.actions;
      meta.signal = info.signal;
      meta.spec_begin = begin;
      meta.spec_end = end;
      out.selectors.push_back(meta);
      out.selector_policy.push_back(entry.policy->name);
    }
  }
  dims.write(binaries, follow, tables, table);
  if (tables.overflow()) {
    return limit(*entries.back().policy, hook_name(*entries.back().hook), "different sets of selectors",
                 TRIGON_MAX_VECTORS);
  }
  return {};
}

}  // namespace trigon::policy
