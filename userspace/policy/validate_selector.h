// Validation of one selector of a hook entry.
#pragma once

#include <string>

#include "policy/diagnostics.h"
#include "policy/ir.h"
#include "policy/node.h"

namespace trigon::policy {

// `args_known`: hook.args can be relied on. Otherwise values are not checked against their argument's type.
Selector read_selector(const Node& node, const std::string& where, const Hook& hook, bool args_known, Sink& sink);

}  // namespace trigon::policy
