// From BTF to what policies know of types: prototypes, and where a path of members leads.
#pragma once

#include <string>

#include "bpf/kernel_types.h"
#include "policy/kernel_info.h"

namespace trigon::engine {

policy::KernelType describe_type(const bpf::KernelTypes& types, uint32_t id);

// `id` is that of a FUNC_PROTO; its first `skip` parameters are left out.
policy::Prototype describe_prototype(const bpf::KernelTypes& types, uint32_t id, uint32_t skip = 0);

// "a.b[3].c" from structure or union `id`. Pointers are followed where a member lies behind one.
Result<policy::Resolved> walk_path(const bpf::KernelTypes& types, uint32_t id, const std::string& path);

}  // namespace trigon::engine
