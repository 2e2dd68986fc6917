#include "output/socket_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "output/text.h"

namespace trigon::output {
namespace {

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

SocketAddress parse_socket_address(std::string_view bytes) {
  SocketAddress address;
  sa_family_t family;
  if (bytes.size() < sizeof(family)) return address;
  std::memcpy(&family, bytes.data(), sizeof(family));
  address.family = family;
  if (family == AF_INET && bytes.size() >= offsetof(sockaddr_in, sin_zero)) {
    sockaddr_in in{};
    std::memcpy(&in, bytes.data(), std::min(bytes.size(), sizeof(in)));
    std::memcpy(address.ip, kMappedPrefix, sizeof(kMappedPrefix));
    std::memcpy(address.ip + sizeof(kMappedPrefix), &in.sin_addr, sizeof(in.sin_addr));
    address.port = ntohs(in.sin_port);
    address.kind = SocketAddress::Kind::kInet;
  } else if (family == AF_INET6 && bytes.size() >= offsetof(sockaddr_in6, sin6_scope_id)) {
    sockaddr_in6 in{};
    std::memcpy(&in, bytes.data(), std::min(bytes.size(), sizeof(in)));
    std::memcpy(address.ip, &in.sin6_addr, sizeof(in.sin6_addr));
    address.port = ntohs(in.sin6_port);
    address.kind = SocketAddress::Kind::kInet;
  } else if (family == AF_UNIX) {
    address.kind = SocketAddress::Kind::kUnix;
    std::string_view path = bytes.substr(offsetof(sockaddr_un, sun_path));
    address.abstract = !path.empty() && path[0] == '\0';
    if (address.abstract) {
      path.remove_prefix(1);
      // All bytes of an abstract name count; but a whole structure was read without a size, so its end is padding.
      if (bytes.size() == sizeof(sockaddr_un)) path = path.substr(0, path.find_last_not_of('\0') + 1);
    } else {
      path = path.substr(0, path.find('\0'));
    }
    address.path = path;
  }
  return address;
}

void put_ip(unsigned family, const uint8_t* ip, Buffer* out) {
  if (family == AF_INET) {
    char* to = out->reserve(INET_ADDRSTRLEN);
    for (int i = 12; i < 16; ++i) {
      if (i != 12) *to++ = '.';
      to = write_uint(to, ip[i]);
    }
    out->advance_to(to);
    return;
  }
  char* const to = out->reserve(INET6_ADDRSTRLEN);
  if (::inet_ntop(AF_INET6, ip, to, INET6_ADDRSTRLEN) != nullptr) out->advance(std::strlen(to));
}

void put_endpoint(unsigned family, const uint8_t* ip, uint32_t port, Buffer* out) {
  const bool v6 = family != AF_INET;
  if (v6) out->append('[');
  put_ip(family, ip, out);
  out->append(v6 ? "]:" : ":");
  put_uint(port, out);
}

}  // namespace trigon::output
