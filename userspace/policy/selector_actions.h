// What a selector does, as entries of tri_selectors: one for the entry phase, one for the return phase.
#pragma once

#include "base/result.h"
#include "policy/compiled.h"
#include "policy/field_list.h"
#include "policy/ir.h"

namespace trigon::policy {

struct SelectorActions {
  trigon_selector entry{};
  trigon_selector after{};  // of hooks with a return phase
};

// Without what belongs to the selector's place (spec_begin, spec_end, policy).
Result<SelectorActions> actions_of(const Hook& hook, const Selector& selector, const FieldList& fields);

SelectorInfo info_of(const Selector& selector, const SelectorActions& actions);

// The file whose IMA hash is asked for; an LSM hook that declares no file argument has it as its first.
Arg ima_file(const Hook& hook);

// Whether something is left to be done or read when the hooked function returns.
bool has_return(const Hook& hook);

}  // namespace trigon::policy
