// From a tree to a policy, or to everything that is wrong with it.
#pragma once

#include <optional>

#include "policy/diagnostics.h"
#include "policy/ir.h"
#include "policy/kernel_info.h"
#include "policy/node.h"
#include "policy/syscalls.h"

namespace trigon::policy {

struct Options {
  Arch arch = host_arch();  // system call names and ABI prefixes are those of this machine
  // The kernel that the policy is for. Without one, nothing about functions, tracepoints and types of the kernel is
  // checked, and what only a kernel can tell is left open (Arg::unresolved, TaskFilter::host_ns, Hook::unresolved):
  // such a policy is good for `policy check`, and must be validated again on the node before it is compiled.
  const KernelInfo* kernel = nullptr;
};

// Nothing when anything was added to the sink: a policy is taken whole or not at all.
std::optional<Policy> validate(const Node& document, const Options& options, Sink& sink);

}  // namespace trigon::policy
