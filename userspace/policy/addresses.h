// IP addresses and prefixes as policies write them: "10.0.0.0/8", "::1", "127.0.0.1".
#pragma once

#include <string>

#include "base/result.h"
#include "policy/ir.h"

namespace trigon::policy {

// Bits of the address behind the prefix are cleared ("127.0.0.1/8" is 127.0.0.0/8).
Result<Network> parse_network(const std::string& text);

}  // namespace trigon::policy
