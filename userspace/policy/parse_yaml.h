// Text to trees. The only file that knows the YAML library is parse_yaml.cc.
#pragma once

#include <vector>

#include "policy/diagnostics.h"
#include "policy/node.h"

namespace trigon::policy {

// The documents of a file; empty ones are left out. What is not YAML goes to the sink, and nothing is returned then.
std::vector<Node> parse_yaml(Sink& sink);

}  // namespace trigon::policy
