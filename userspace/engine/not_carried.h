// What a policy asks for that no program of this version carries out. Such a policy is set aside with its error: one
// that seems to be in force and enforces nothing would be worse.
#pragma once

#include <string>
#include <vector>

#include "bpf/features.h"
#include "policy/ir.h"

namespace trigon::engine {

// One sentence for each kind of request; empty: all is carried out.
std::vector<std::string> not_carried(const policy::Policy& policy, bpf::Features& features);
// Of one of its hooks.
std::vector<std::string> not_carried(const policy::Hook& hook, bool enforcer_answers, bpf::Features& features);
// Whether some selector's NotifyEnforcer has an error for the enforcer's calls, and not only a signal.
bool enforcer_answers(const policy::Policy& policy);

}  // namespace trigon::engine
