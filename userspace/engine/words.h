// Filters and actions of a selector, said in words.
#pragma once

#include <string>
#include <vector>

#include "policy/ir.h"

namespace trigon::engine {

// Each is a condition; all of them must hold. None: every event. Values beyond the fifth are counted.
std::vector<std::string> describe_filters(const policy::Policy& policy, const policy::Hook& hook,
                                          const policy::Selector& selector);
// What happens then, at the entry and at the return.
std::vector<std::string> describe_actions(const policy::Hook& hook, const policy::Selector& selector);
// "1 `path` (string)", of each value that is read.
std::vector<std::string> describe_values(const policy::Hook& hook);
std::string describe(const policy::Workload& workload);

}  // namespace trigon::engine
