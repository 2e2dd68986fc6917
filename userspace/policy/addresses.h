// IP addresses and prefixes as policies write them: "10.0.0.0/8", "::1", "127.0.0.1".
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "policy/ir.h"

namespace trigon::policy {

// Bits of the address behind the prefix are cleared ("127.0.0.1/8" is 127.0.0.0/8).
Result<Network> parse_network(const std::string& text);

// Tables hold IPv4 addresses as ::ffff:a.b.c.d, and a short IPv6 prefix (`::/0`) would have them all: what it has
// beside them, as several prefixes. Others come back as they are.
std::vector<Network> without_ipv4(const Network& network);

}  // namespace trigon::policy
