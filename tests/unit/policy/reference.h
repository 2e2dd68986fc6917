// What a set of policies says about an event, evaluated filter by filter over the IR: slow, obvious, and without any
// idea of tables. The compiler is tested against it.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "policy/ir.h"
#include "tests/unit/policy/table_interpreter.h"

namespace trigon::policy {

struct Winner {
  std::string policy;
  size_t hook = 0;
  size_t selector = 0;
  auto operator<=>(const Winner&) const = default;
};

inline bool accepts_string(const Predicate& predicate, const std::string& value) {
  const bool hit = std::any_of(predicate.strings.begin(), predicate.strings.end(), [&](const std::string& s) {
    switch (predicate.match) {
      case Match::kExact:
        return value == s;
      case Match::kPrefix:
        return value.starts_with(s);
      default:
        return value.ends_with(s);
    }
  });
  return hit != predicate.negated;
}

// `value` as the type reads it: sign- or zero-extended.
inline bool accepts_number(const Predicate& predicate, const Arg& arg, uint64_t value) {
  bool hit = false;
  if (predicate.match == Match::kMask) {
    hit = (value & predicate.mask) != 0;
  } else if (predicate.match == Match::kNumbers) {
    hit = std::find(predicate.numbers.begin(), predicate.numbers.end(), value) != predicate.numbers.end();
  } else {
    for (const Interval& interval : predicate.ranges) {
      const uint64_t at = arg.is_signed ? value + (1ULL << 63) : value;
      hit |= interval.low <= at && at <= interval.high;
    }
  }
  return hit != predicate.negated;
}

inline uint64_t extend(const Arg& arg, uint64_t reg) {
  if (arg.bits == 64) return reg;
  const uint64_t low = reg & ((1ULL << arg.bits) - 1);
  const bool minus = arg.is_signed && (low >> (arg.bits - 1) & 1);
  return minus ? low | ~((1ULL << arg.bits) - 1) : low;
}

inline bool accepts_arg(const Predicate& predicate, const Arg& arg, const TestEvent& event) {
  if (arg.kind == ValueKind::kString) {
    const auto found = event.memory.find(arg.conf.arg);
    if (found == event.memory.end() || !found->second) return predicate.negated;
    return accepts_string(predicate, *found->second);
  }
  uint64_t value = extend(arg, event.registers[arg.conf.arg]);
  if (arg.conf.type == TRIGON_ARG_SYSCALL) {
    value = event.number + (event.abi == TRIGON_ABI_COMPAT32 ? 1ULL << 31 : 0);
  }
  return accepts_number(predicate, arg, value);
}

inline bool accepts_pids(const PidFilter& filter, const TestEvent& event) {
  std::vector<uint32_t> candidates{filter.namespace_pid ? event.ns_pid : event.pid};
  if (filter.follow_forks) candidates = filter.namespace_pid ? event.ns_lineage : event.lineage;
  const bool hit = std::any_of(candidates.begin(), candidates.end(), [&](uint32_t pid) {
    return std::find(filter.pids.begin(), filter.pids.end(), pid) != filter.pids.end();
  });
  return hit != filter.negated;
}

inline bool accepts(const Hook& hook, const Selector& selector, const TestEvent& event) {
  for (const ArgFilter& filter : selector.args) {
    if (!accepts_arg(filter.predicate, hook.args[filter.arg], event)) return false;
  }
  for (const Predicate& binary : selector.binaries) {
    if (!accepts_string(binary, event.binary)) return false;
  }
  for (const PidFilter& pids : selector.pids) {
    if (!accepts_pids(pids, event)) return false;
  }
  return true;
}

inline bool sees(const Hook& hook, const TestEvent& event) {
  if (hook.raw_syscalls) return true;
  if (hook.target.number != event.number) return false;
  if (hook.target.abi == Abi::kI386) return event.abi == TRIGON_ABI_COMPAT32;
  return event.abi == TRIGON_ABI_NATIVE || (event.abi == TRIGON_ABI_X32 && hook.kind == HookKind::kKprobe);
}

inline std::vector<Winner> evaluate(const std::vector<Policy>& policies, const TestEvent& event) {
  std::vector<Winner> out;
  for (const Policy& policy : policies) {
    for (size_t h = 0; h < policy.hooks.size(); ++h) {
      const Hook& hook = policy.hooks[h];
      if (!sees(hook, event)) continue;
      for (size_t s = 0; s < hook.selectors.size(); ++s) {
        if (!accepts(hook, hook.selectors[s], event)) continue;
        out.push_back({policy.name, h, s});
        break;
      }
    }
  }
  return out;
}

}  // namespace trigon::policy
