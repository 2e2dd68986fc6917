// From policies to the tables of one generation.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "policy/compiled.h"
#include "policy/ir.h"

namespace trigon::policy {

// `generation` counts from 1; `first_dim` is next_dim of the set before, 0 at first. Slots, vectors and selectors are
// numbered from 0: whoever writes them adds the offset of the generation's half. An error names the policy with which a
// limit of bpf/abi/limits.h is exceeded.
Result<CompiledSet> compile(std::span<const Policy> policies, uint32_t generation, uint32_t first_dim);

}  // namespace trigon::policy
