// Names of numbers that policies may write: capabilities, address families, transport protocols, states of TCP,
// namespaces, ids of credentials, file types. Numbers are those of the kernel's headers, named beside each table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace trigon::policy {

struct NamedNumber {
  std::string_view name;
  uint32_t number;
};

extern const std::span<const NamedNumber> kCapabilities;    // "CAP_SYS_ADMIN": bit number
extern const std::span<const NamedNumber> kFamilies;        // "AF_INET"
extern const std::span<const NamedNumber> kProtocols;       // "IPPROTO_TCP"
extern const std::span<const NamedNumber> kTcpStates;       // "TCP_ESTABLISHED"
extern const std::span<const NamedNumber> kNamespaces;      // "Pid": enum trigon_ns
extern const std::span<const NamedNumber> kCapabilitySets;  // "Effective": enum trigon_cap_set
extern const std::span<const NamedNumber> kCredentialIds;   // "uid", "euid": enum trigon_cred_id
extern const std::span<const NamedNumber> kFileTypes;       // "reg": i_mode >> 12; several names for one

std::optional<uint32_t> number_of(std::span<const NamedNumber> table, std::string_view name);
// ", did you mean `x`?" or nothing.
std::string suggestion(std::span<const NamedNumber> table, std::string_view name);

}  // namespace trigon::policy
