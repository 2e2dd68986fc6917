// DnsLookup: one question to the name servers of the system, for the IPv4 address of a name; the answer is thrown away.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace trigon::actions {

// An IPv4 name server other than those of the system.
struct NameServer {
  uint32_t address = 0;  // network byte order
  uint16_t port = 53;
};

// Asks those of /etc/resolv.conf, read anew each time, one after the other (neither /etc/hosts nor other sources: that
// the question is asked is the message). Blocks, at most for the deadline rounded up to whole seconds, with as many
// servers as that leaves a second each. Success: a server answered, also that there is no such name.
Result<void> dns_lookup(const std::string& name, std::chrono::milliseconds deadline,
                        const std::optional<NameServer>& server = std::nullopt);

}  // namespace trigon::actions
