#include "policy/addresses.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "policy/types.h"

namespace trigon::policy {
namespace {

constexpr uint8_t kIpv4Bits = 32, kIpv6Bits = 128;
// Bits before an IPv4 address that is written as IPv6 (RFC 4291, 2.5.5.2).
constexpr uint8_t kMappedBits = 96;

Error bad(const std::string& text, std::string_view why) {
  return Error(ErrorCode::kInvalidPolicy, fmt::format("`{}` is not an IP address or prefix{}", text, why));
}

}  // namespace

Result<Network> parse_network(const std::string& text) {
  const size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  Network network;
  uint8_t in4[4];
  uint8_t most = kIpv6Bits, before = 0;
  if (inet_pton(AF_INET, address.c_str(), in4) == 1) {
    most = kIpv4Bits;
    before = kMappedBits;
    network.bytes[10] = network.bytes[11] = 0xff;
    std::memcpy(network.bytes.data() + 12, in4, sizeof(in4));
  } else if (inet_pton(AF_INET6, address.c_str(), network.bytes.data()) != 1) {
    return bad(text, " (10.0.0.1, 10.0.0.0/8, fd00::1, fd00::/8)");
  }
  uint64_t bits = most;
  if (slash != std::string::npos) {
    const auto parsed = parse_number(std::string_view(text).substr(slash + 1), false, 8, false, true);
    if (!parsed.ok() || *parsed > most)
      return bad(text, fmt::format(": behind the `/` stands a number up to {}", most));
    bits = *parsed;
  }
  network.bits = static_cast<uint8_t>(before + bits);
  for (size_t i = 0; i < network.bytes.size(); ++i) {
    const size_t first = i * 8;
    if (first >= network.bits) {
      network.bytes[i] = 0;
    } else if (network.bits - first < 8) {
      network.bytes[i] &= static_cast<uint8_t>(0xff << (8 - (network.bits - first)));
    }
  }
  return network;
}

std::vector<Network> without_ipv4(const Network& network) {
  const auto bit = [](const Network& n, size_t i) { return n.bytes[i / 8] >> (7 - i % 8) & 1; };
  Network ipv4;
  ipv4.bytes[10] = ipv4.bytes[11] = 0xff;
  if (network.bits >= kMappedBits) return {network};
  for (size_t i = 0; i < network.bits; ++i)
    if (bit(network, i) != bit(ipv4, i)) return {network};
  // On the way down to it, at each bit the half where it is not.
  std::vector<Network> others;
  for (size_t i = network.bits; i < kMappedBits; ++i) {
    Network half;
    for (size_t before = 0; before <= i; ++before) {
      if (bit(ipv4, before) != (before == i)) half.bytes[before / 8] |= static_cast<uint8_t>(0x80 >> (before % 8));
    }
    half.bits = static_cast<uint8_t>(i + 1);
    others.push_back(half);
  }
  return others;
}

}  // namespace trigon::policy
