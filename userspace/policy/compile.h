// From policies to the tables of one generation.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "policy/compiled.h"
#include "policy/ir.h"

namespace trigon::policy {

// `generation` counts from 1; `state` is that of the set before, empty at first. Slots, vectors and selectors are
// numbered from 0: whoever writes them adds the offset of the generation's half. An error names the policy with which a
// limit of bpf/abi/limits.h is exceeded.
Result<CompiledSet> compile(std::span<const Policy> policies, uint32_t generation, const CompileState& state);

}  // namespace trigon::policy
