// Addresses and sockets as text. No allocation but the Buffer's.
#pragma once

#include <cstdint>
#include <string_view>

#include "output/buffer.h"

namespace trigon::output {

// A struct sockaddr. Lenient: one that is too short for its family has a family only.
struct SocketAddress {
  enum class Kind : uint8_t { kFamilyOnly, kInet, kUnix };
  Kind kind = Kind::kFamilyOnly;
  bool abstract = false;  // AF_UNIX: `path` is a name without the NUL that begins it
  uint16_t family = 0;
  uint16_t port = 0;
  uint8_t ip[16] = {};    // as in abi/record.h
  std::string_view path;  // into the bytes that were parsed
};
SocketAddress parse_socket_address(std::string_view bytes);

// ip: 16 bytes, IPv4 as ::ffff:a.b.c.d. family AF_INET: "192.0.2.1"; otherwise as IPv6.
void put_ip(unsigned family, const uint8_t* ip, Buffer* out);
// "192.0.2.1:80", "[2001:db8::1]:80".
void put_endpoint(unsigned family, const uint8_t* ip, uint32_t port, Buffer* out);

}  // namespace trigon::output
