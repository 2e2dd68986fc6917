// What a set of policies says about an event, evaluated filter by filter over the IR: slow, obvious, and without any
// idea of tables. The compiler is tested against it.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "policy/ir.h"
#include "tests/unit/policy/test_event.h"

namespace trigon::policy {

struct Winner {
  std::string policy;
  std::string hook;      // Hook::function
  std::string selector;  // its label
  auto operator<=>(const Winner&) const = default;
};

class Reference {
 public:
  using Resolve = std::function<std::optional<FileId>(const std::string&)>;
  explicit Reference(Resolve resolve) : resolve_(std::move(resolve)) {}

  std::vector<Winner> evaluate(const std::vector<Policy>& policies, const TestEvent& event) const {
    std::vector<Winner> out;
    for (const Policy& policy : policies) {
      for (const Hook& hook : policy.hooks) {
        if (!policy.enabled || !sees(hook, event)) continue;
        for (const Selector& selector : hook.selectors) {
          if (!accepts(policy, hook, selector, event)) continue;
          if (accepts_return(hook, selector, event)) out.push_back({policy.name, hook.function, selector.label});
          break;  // the first one decides, also when the return does not please it
        }
      }
    }
    return out;
  }

 private:
  static bool sees(const Hook& hook, const TestEvent& event) {
    if (hook.is_syscall != event.is_syscall) return false;
    if (!hook.is_syscall) return hook.point == event.point;
    if (hook.raw_syscalls) return true;
    if (hook.target.number != event.number) return false;
    if (hook.target.abi == Abi::kI386) return event.abi == TRIGON_ABI_COMPAT32;
    return event.abi == TRIGON_ABI_NATIVE || (event.abi == TRIGON_ABI_X32 && hook.kind == HookKind::kKprobe);
  }

  static const Arg& arg_at(const Hook& hook, Role role, size_t position) {
    if (role == Role::kReturn) return *hook.return_arg;
    return role == Role::kData ? hook.data[position] : hook.args[position];
  }

  static bool is_late(const Hook& hook, const ArgFilter& filter) {
    const auto late = [&](size_t position) {
      return (arg_at(hook, filter.role, position).conf.flags & TRIGON_CONF_AT_RETURN) != 0;
    };
    if (filter.role == Role::kReturn || late(filter.arg)) return true;
    return filter.predicate.part == TRIGON_PART_GAINED && late(filter.second);
  }

  bool accepts(const Policy& policy, const Hook& hook, const Selector& selector, const TestEvent& event) const {
    for (const ArgFilter& filter : selector.args) {
      if (!is_late(hook, filter) && !accepts_arg(hook, filter, event)) return false;
    }
    for (const BinaryFilter& filter : selector.binaries) {
      if (!accepts_binary(policy, filter, event)) return false;
    }
    for (const PidFilter& filter : selector.pids) {
      if (!accepts_pids(filter, event)) return false;
    }
    for (const TaskFilter& filter : selector.tasks) {
      if (!accepts_number(filter.predicate, false, task_value(filter, event))) return false;
    }
    if (!belongs({policy.k8s_namespace, policy.workload}, event)) return false;
    return !selector.workload || belongs({policy.k8s_namespace, *selector.workload}, event);
  }

  static bool accepts_return(const Hook& hook, const Selector& selector, const TestEvent& event) {
    for (const ArgFilter& filter : selector.args) {
      if (is_late(hook, filter) && !accepts_arg(hook, filter, event)) return false;
    }
    return std::all_of(selector.return_args.begin(), selector.return_args.end(),
                       [&](const ArgFilter& filter) { return accepts_arg(hook, filter, event); });
  }

  static bool accepts_string(const Predicate& predicate, const std::string& value) {
    const bool hit = std::any_of(predicate.strings.begin(), predicate.strings.end(), [&](const std::string& s) {
      switch (predicate.match) {
        case Match::kExact:
          return value == s;
        case Match::kPrefix:
          return value.starts_with(s);
        case Match::kPostfix:
          return value.ends_with(s);
        case Match::kSubstring:
          return value.find(s) != std::string::npos;
        default:
          break;
      }
      std::string lower = value;
      for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      return lower.find(s) != std::string::npos;
    });
    return hit != predicate.negated;
  }

  // `value` as the type reads it: sign- or zero-extended.
  static bool accepts_number(const Predicate& predicate, bool is_signed, uint64_t value) {
    bool hit = false;
    if (predicate.match == Match::kMask) {
      hit = (value & predicate.mask) != 0;
    } else if (predicate.match == Match::kNumbers) {
      hit = std::find(predicate.numbers.begin(), predicate.numbers.end(), value) != predicate.numbers.end();
    } else {
      for (const Interval& interval : predicate.ranges) {
        const uint64_t at = is_signed ? value + (1ULL << 63) : value;
        hit |= interval.low <= at && at <= interval.high;
      }
    }
    return hit != predicate.negated;
  }

  static bool accepts_address(const Predicate& predicate, const std::array<uint8_t, 16>& address) {
    const bool hit = std::any_of(predicate.networks.begin(), predicate.networks.end(), [&](const Network& network) {
      for (size_t bit = 0; bit < network.bits; ++bit) {
        if ((address[bit / 8] ^ network.bytes[bit / 8]) >> (7 - bit % 8) & 1) return false;
      }
      return true;
    });
    return hit != predicate.negated;
  }

  static uint64_t extend(const Arg& arg, uint64_t raw) {
    if (arg.bits == 64) return raw;
    const uint64_t low = raw & ((1ULL << arg.bits) - 1);
    const bool minus = arg.is_signed && (low >> (arg.bits - 1) & 1);
    return minus ? low | ~((1ULL << arg.bits) - 1) : low;
  }

  static bool accepts_arg(const Hook& hook, const ArgFilter& filter, const TestEvent& event) {
    const Predicate& predicate = filter.predicate;
    const Arg& arg = arg_at(hook, filter.role, filter.arg);
    if (arg.conf.type == TRIGON_ARG_SYSCALL) {
      return accepts_number(predicate, false, event.number + (event.abi == TRIGON_ABI_COMPAT32 ? 1ULL << 31 : 0));
    }
    const auto value_of = [&](const Arg& of) -> const TestValue* {
      const auto found = event.values.find(value_key(of.conf));
      return found == event.values.end() || !found->second.readable ? nullptr : &found->second;
    };
    const TestValue* value = value_of(arg);
    if (!value) return predicate.negated;  // a deny-list does not fall open
    switch (predicate.part) {
      case TRIGON_PART_FILE_TYPE:
        return accepts_number(predicate, false, value->mode >> 12);
      case TRIGON_PART_GAINED: {
        const TestValue* old = value_of(arg_at(hook, filter.role, filter.second));
        return old ? accepts_number(predicate, false, value->number & ~old->number) : predicate.negated;
      }
      case TRIGON_PART_SADDR:
      case TRIGON_PART_DADDR: {
        const auto found = value->addresses.find(predicate.part);
        return found != value->addresses.end() && accepts_address(predicate, found->second);
      }
      case TRIGON_PART_VALUE:
        break;
      default: {
        const auto found = value->parts.find(predicate.part);
        return found != value->parts.end() && accepts_number(predicate, false, found->second);
      }
    }
    if (arg.kind == ValueKind::kNumber) return accepts_number(predicate, arg.is_signed, extend(arg, value->number));
    return accepts_string(predicate, value->bytes);
  }

  bool accepts_binary(const Policy& policy, const BinaryFilter& filter, const TestEvent& event) const {
    Predicate positive = filter.predicate;
    positive.negated = false;
    const size_t first = filter.parent ? 1 : 0;
    const size_t end = filter.follow_children ? event.binaries.size() : first + 1;
    bool hit = false;
    for (size_t i = first; i < end; ++i) {
      hit |= accepts_string(positive, event.binaries[i].path);
      if (policy.literal_binaries || positive.match != Match::kExact) continue;
      for (const std::string& s : positive.strings) hit |= resolve_(s) == event.binaries[i].file;
    }
    return hit != filter.predicate.negated;
  }

  static bool accepts_pids(const PidFilter& filter, const TestEvent& event) {
    std::vector<uint32_t> candidates{filter.namespace_pid ? event.ns_pid : event.pid};
    if (filter.follow_forks) candidates = filter.namespace_pid ? event.ns_lineage : event.lineage;
    const bool hit = std::any_of(candidates.begin(), candidates.end(), [&](uint32_t pid) {
      return std::find(filter.pids.begin(), filter.pids.end(), pid) != filter.pids.end();
    });
    return hit != filter.negated;
  }

  static uint64_t task_value(const TaskFilter& filter, const TestEvent& event) {
    switch (filter.source) {
      case TRIGON_SRC_NAMESPACE:
        return event.namespaces[filter.field];
      case TRIGON_SRC_NS_CHANGES:
        return event.namespace_changes;
      case TRIGON_SRC_CAPS:
        return event.caps[filter.field];
      case TRIGON_SRC_CAP_CHANGES:
        return event.cap_changes[filter.field];
      default:
        return event.creds[filter.field];
    }
  }

  Resolve resolve_;
};

}  // namespace trigon::policy
