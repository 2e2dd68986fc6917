// Names of sockets.
#include <iterator>

#include "output/names.h"
#include "output/number_names.h"

namespace trigon::output {
namespace {

// include/linux/socket.h, from AF_UNSPEC.
constexpr std::string_view kFamilies[] = {
    "AF_UNSPEC",   "AF_UNIX",       "AF_INET",    "AF_AX25",      "AF_IPX",     "AF_APPLETALK", "AF_NETROM",
    "AF_BRIDGE",   "AF_ATMPVC",     "AF_X25",     "AF_INET6",     "AF_ROSE",    "AF_DECnet",    "AF_NETBEUI",
    "AF_SECURITY", "AF_KEY",        "AF_NETLINK", "AF_PACKET",    "AF_ASH",     "AF_ECONET",    "AF_ATMSVC",
    "AF_RDS",      "AF_SNA",        "AF_IRDA",    "AF_PPPOX",     "AF_WANPIPE", "AF_LLC",       "AF_IB",
    "AF_MPLS",     "AF_CAN",        "AF_TIPC",    "AF_BLUETOOTH", "AF_IUCV",    "AF_RXRPC",     "AF_ISDN",
    "AF_PHONET",   "AF_IEEE802154", "AF_CAIF",    "AF_ALG",       "AF_NFC",     "AF_VSOCK",     "AF_KCM",
    "AF_QIPCRTR",  "AF_SMC",        "AF_XDP",     "AF_MCTP"};

// include/linux/net.h.
constexpr NumberName kSocketTypes[] = {{1, "SOCK_STREAM"},    {2, "SOCK_DGRAM"}, {3, "SOCK_RAW"},    {4, "SOCK_RDM"},
                                       {5, "SOCK_SEQPACKET"}, {6, "SOCK_DCCP"},  {10, "SOCK_PACKET"}};

// include/uapi/linux/in.h and in6.h.
constexpr NumberName kProtocols[] = {
    {0, "IPPROTO_IP"},       {1, "IPPROTO_ICMP"},      {2, "IPPROTO_IGMP"},    {4, "IPPROTO_IPIP"},
    {6, "IPPROTO_TCP"},      {8, "IPPROTO_EGP"},       {12, "IPPROTO_PUP"},    {17, "IPPROTO_UDP"},
    {22, "IPPROTO_IDP"},     {29, "IPPROTO_TP"},       {33, "IPPROTO_DCCP"},   {41, "IPPROTO_IPV6"},
    {43, "IPPROTO_ROUTING"}, {44, "IPPROTO_FRAGMENT"}, {46, "IPPROTO_RSVP"},   {47, "IPPROTO_GRE"},
    {50, "IPPROTO_ESP"},     {51, "IPPROTO_AH"},       {58, "IPPROTO_ICMPV6"}, {59, "IPPROTO_NONE"},
    {60, "IPPROTO_DSTOPTS"}, {92, "IPPROTO_MTP"},      {94, "IPPROTO_BEETPH"}, {98, "IPPROTO_ENCAP"},
    {103, "IPPROTO_PIM"},    {108, "IPPROTO_COMP"},    {115, "IPPROTO_L2TP"},  {132, "IPPROTO_SCTP"},
    {135, "IPPROTO_MH"},     {136, "IPPROTO_UDPLITE"}, {137, "IPPROTO_MPLS"},  {143, "IPPROTO_ETHERNET"},
    {255, "IPPROTO_RAW"},    {256, "IPPROTO_SMC"},     {262, "IPPROTO_MPTCP"}};

// include/net/tcp_states.h, from 1.
constexpr std::string_view kTcpStates[] = {"TCP_ESTABLISHED",   "TCP_SYN_SENT",  "TCP_SYN_RECV", "TCP_FIN_WAIT1",
                                           "TCP_FIN_WAIT2",     "TCP_TIME_WAIT", "TCP_CLOSE",    "TCP_CLOSE_WAIT",
                                           "TCP_LAST_ACK",      "TCP_LISTEN",    "TCP_CLOSING",  "TCP_NEW_SYN_RECV",
                                           "TCP_BOUND_INACTIVE"};

}  // namespace

std::string_view address_family_name(unsigned number) { return number < std::size(kFamilies) ? kFamilies[number] : ""; }

std::string_view socket_type_name(unsigned number) { return find_name(kSocketTypes, number); }

std::string_view protocol_name(unsigned number) { return find_name(kProtocols, number); }

std::string_view tcp_state_name(unsigned number) {
  return number - 1 < std::size(kTcpStates) ? kTcpStates[number - 1] : "";
}

}  // namespace trigon::output
