// From a tree to a policy, or to everything that is wrong with it.
#pragma once

#include <optional>

#include "policy/diagnostics.h"
#include "policy/ir.h"
#include "policy/node.h"
#include "policy/syscalls.h"

namespace trigon::policy {

struct Options {
  Arch arch = host_arch();  // system call names and ABI prefixes are those of this machine
};

// Nothing when anything was added to the sink: a policy is taken whole or not at all.
std::optional<Policy> validate(const Node& document, const Options& options, Sink& sink);

}  // namespace trigon::policy
