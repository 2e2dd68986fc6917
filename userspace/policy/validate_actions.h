// matchActions and matchReturnActions of a selector.
#pragma once

#include "policy/fields.h"
#include "policy/ir.h"
#include "policy/validate_context.h"

namespace trigon::policy {

// `args_known`: hook.args can be relied on (actions name some of them).
void read_actions(const Fields& selector, const Hook& hook, bool args_known, const Context& context, Selector& out);

}  // namespace trigon::policy
