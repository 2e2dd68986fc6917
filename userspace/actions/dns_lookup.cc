#include "actions/dns_lookup.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>

namespace trigon::actions {
namespace {

// Closed at the end of a question.
struct Resolver {
  struct __res_state state {};
  bool is_open = false;
  Resolver() { is_open = ::res_ninit(&state) == 0; }
  ~Resolver() {
    if (is_open) ::res_nclose(&state);
  }
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
};

}  // namespace

Result<void> dns_lookup(const std::string& name, std::chrono::milliseconds deadline,
                        const std::optional<NameServer>& server) {
  Resolver resolver;
  if (!resolver.is_open) return Error("DnsLookup " + name + ": /etc/resolv.conf could not be used");
  auto& state = resolver.state;
  if (server) {
    state.nscount = 1;
    state.nsaddr_list[0] = {};
    state.nsaddr_list[0].sin_family = AF_INET;
    state.nsaddr_list[0].sin_addr.s_addr = server->address;
    state.nsaddr_list[0].sin_port = htons(server->port);
  }
  const auto seconds = static_cast<int>(
      std::clamp<int64_t>(std::chrono::ceil<std::chrono::seconds>(deadline).count(), 1, RES_MAXRETRANS));
  state.retry = 1;
  state.nscount = std::clamp(state.nscount, 1, seconds);
  // The first server is waited for `retrans` seconds, later ones never less than one (resolv.conf(5), timeout).
  state.retrans = state.nscount == 1 ? seconds : 1;
  // A cut answer is an answer. No rotation: deadlines are for the servers in their order.
  state.options |= RES_IGNTC;
  state.options &= ~static_cast<unsigned long>(RES_ROTATE);
  unsigned char answer[NS_PACKETSZ];
  if (::res_nquery(&state, name.c_str(), ns_c_in, ns_t_a, answer, sizeof(answer)) >= 0) return {};
  if (state.res_h_errno == HOST_NOT_FOUND || state.res_h_errno == NO_DATA) return {};
  return Error("DnsLookup " + name + ": " +
               (state.res_h_errno == TRY_AGAIN ? "no name server answered in time" : ::hstrerror(state.res_h_errno)));
}

}  // namespace trigon::actions
