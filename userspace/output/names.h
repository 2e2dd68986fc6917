// The names that numbers have in events: capabilities, secure bits, signals, namespaces. Constant tables.
#pragma once

#include <cstdint>
#include <string_view>

namespace trigon::output {

constexpr unsigned kCapabilities = 41;

// "CAP_CHOWN"; DAC_OVERRIDE has no prefix (the enumeration that consumers know was published so). "" when unknown.
std::string_view capability_name(unsigned number);
// Bit 0…7 of securebits: "SecBitNoRoot"…
std::string_view securebit_name(unsigned bit);
// "SIGKILL", "SIGRTMIN+3"; "" when it is no signal.
std::string_view signal_name(unsigned number);
// "AF_INET"; "" when unknown.
std::string_view address_family_name(unsigned number);

}  // namespace trigon::output
