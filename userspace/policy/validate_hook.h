// Validation of one entry of spec.kprobes or spec.tracepoints. What is returned is whole only if the sink got nothing.
#pragma once

#include <string>

#include "policy/diagnostics.h"
#include "policy/ir.h"
#include "policy/node.h"
#include "policy/validate.h"

namespace trigon::policy {

Hook read_kprobe(const Node& node, const std::string& where, const Options& options, Sink& sink);
Hook read_tracepoint(const Node& node, const std::string& where, const Options& options, Sink& sink);

}  // namespace trigon::policy
