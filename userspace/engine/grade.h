// What a selector's enforcement amounts to at its hook (docs/guide/enforcement.md).
#pragma once

#include <string>
#include <string_view>

#include "policy/ir.h"

namespace trigon::engine {

enum class Grade {
  kPrevent,        // fails with an errno, no effect
  kPreventByKill,  // dies before any effect, measured for that operation
  kAfterEffect,    // the effect may have happened
  kDetect          // nothing is enforced
};
std::string_view grade_name(Grade grade);  // "PREVENT", "PREVENT-BY-KILL", …

struct Verdict {
  Grade grade = Grade::kDetect;
  std::string why;  // one sentence without a final stop; empty when there is nothing to say
};

// Of one selector in mode enforce. `policy` has the calls of the enforcer that NotifyEnforcer speaks to.
Verdict grade_of(const policy::Policy& policy, const policy::Hook& hook, const policy::Selector& selector);

}  // namespace trigon::engine
