// Validation of one selector of a hook entry.
#pragma once

#include <string>

#include "policy/ir.h"
#include "policy/node.h"
#include "policy/validate_context.h"

namespace trigon::policy {

// spec.selectorsMacros: names of partial selectors. What is wrong with one that nobody uses is said too.
void read_macros(const Node& node, Context& context);

// `args_known`: hook.args can be relied on. Otherwise values are not checked against their argument's type.
Selector read_selector(const Node& node, const std::string& where, const Hook& hook, bool args_known,
                       const Context& context);

}  // namespace trigon::policy
