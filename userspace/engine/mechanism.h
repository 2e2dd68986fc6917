// Which mechanism can serve a hook point on this kernel, best first, and why not the ones before it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bpf/features.h"
#include "bpf/hook_program.h"
#include "policy/compiled.h"

namespace trigon::engine {

struct MechanismChoice {
  std::vector<bpf::Mechanism> usable;  // in the order in which they are tried
  // "BPF LSM: not built (CONFIG_BPF_LSM)": those that would have been better, or all of them when none is usable.
  std::vector<std::string> reasons;
};

// `actions`: enum trigon_action_flags that some selector at the point has; an answer to the caller (Override) needs a
// mechanism that can give one.
MechanismChoice choose_mechanism(const policy::HookPoint& point, uint32_t actions, bpf::Features& features);

// The LSM hook behind a security_* function; empty when there is none of that name.
std::string lsm_hook_of(std::string_view function);

}  // namespace trigon::engine
