#include "policy/names.h"

#include <vector>

#include "base/suggest.h"
#include "bpf/abi/policy.h"

namespace trigon::policy {
namespace {

// clang-format off
// linux/capability.h, Linux 7.0.
constexpr NamedNumber kCapabilityTable[] = {
    {"CAP_CHOWN", 0}, {"CAP_DAC_OVERRIDE", 1}, {"CAP_DAC_READ_SEARCH", 2}, {"CAP_FOWNER", 3}, {"CAP_FSETID", 4},
    {"CAP_KILL", 5}, {"CAP_SETGID", 6}, {"CAP_SETUID", 7}, {"CAP_SETPCAP", 8}, {"CAP_LINUX_IMMUTABLE", 9},
    {"CAP_NET_BIND_SERVICE", 10}, {"CAP_NET_BROADCAST", 11}, {"CAP_NET_ADMIN", 12}, {"CAP_NET_RAW", 13},
    {"CAP_IPC_LOCK", 14}, {"CAP_IPC_OWNER", 15}, {"CAP_SYS_MODULE", 16}, {"CAP_SYS_RAWIO", 17},
    {"CAP_SYS_CHROOT", 18}, {"CAP_SYS_PTRACE", 19}, {"CAP_SYS_PACCT", 20}, {"CAP_SYS_ADMIN", 21},
    {"CAP_SYS_BOOT", 22}, {"CAP_SYS_NICE", 23}, {"CAP_SYS_RESOURCE", 24}, {"CAP_SYS_TIME", 25},
    {"CAP_SYS_TTY_CONFIG", 26}, {"CAP_MKNOD", 27}, {"CAP_LEASE", 28}, {"CAP_AUDIT_WRITE", 29},
    {"CAP_AUDIT_CONTROL", 30}, {"CAP_SETFCAP", 31}, {"CAP_MAC_OVERRIDE", 32}, {"CAP_MAC_ADMIN", 33},
    {"CAP_SYSLOG", 34}, {"CAP_WAKE_ALARM", 35}, {"CAP_BLOCK_SUSPEND", 36}, {"CAP_AUDIT_READ", 37},
    {"CAP_PERFMON", 38}, {"CAP_BPF", 39}, {"CAP_CHECKPOINT_RESTORE", 40},
};
// linux/socket.h (AF_*); several are names of the same family.
constexpr NamedNumber kFamilyTable[] = {
    {"AF_UNSPEC", 0}, {"AF_LOCAL", 1}, {"AF_INET", 2}, {"AF_AX25", 3}, {"AF_IPX", 4}, {"AF_APPLETALK", 5},
    {"AF_NETROM", 6}, {"AF_BRIDGE", 7}, {"AF_ATMPVC", 8}, {"AF_X25", 9}, {"AF_INET6", 10}, {"AF_ROSE", 11},
    {"AF_DECnet", 12}, {"AF_NETBEUI", 13}, {"AF_SECURITY", 14}, {"AF_KEY", 15}, {"AF_NETLINK", 16}, {"AF_PACKET", 17},
    {"AF_ASH", 18}, {"AF_ECONET", 19}, {"AF_ATMSVC", 20}, {"AF_RDS", 21}, {"AF_SNA", 22}, {"AF_IRDA", 23},
    {"AF_PPPOX", 24}, {"AF_WANPIPE", 25}, {"AF_LLC", 26}, {"AF_IB", 27}, {"AF_MPLS", 28}, {"AF_CAN", 29},
    {"AF_TIPC", 30}, {"AF_BLUETOOTH", 31}, {"AF_IUCV", 32}, {"AF_RXRPC", 33}, {"AF_ISDN", 34}, {"AF_PHONET", 35},
    {"AF_IEEE802154", 36}, {"AF_CAIF", 37}, {"AF_ALG", 38}, {"AF_NFC", 39}, {"AF_VSOCK", 40}, {"AF_KCM", 41},
    {"AF_QIPCRTR", 42}, {"AF_SMC", 43}, {"AF_XDP", 44}, {"AF_MCTP", 45}, {"AF_UNIX", 1}, {"AF_FILE", 1},
    {"AF_ROUTE", 16},
};
// linux/in.h and, for extension headers, linux/in6.h.
constexpr NamedNumber kProtocolTable[] = {
    {"IPPROTO_IP", 0}, {"IPPROTO_ICMP", 1}, {"IPPROTO_IGMP", 2}, {"IPPROTO_IPIP", 4}, {"IPPROTO_TCP", 6},
    {"IPPROTO_EGP", 8}, {"IPPROTO_PUP", 12}, {"IPPROTO_UDP", 17}, {"IPPROTO_IDP", 22}, {"IPPROTO_TP", 29},
    {"IPPROTO_DCCP", 33}, {"IPPROTO_IPV6", 41}, {"IPPROTO_RSVP", 46}, {"IPPROTO_GRE", 47}, {"IPPROTO_ESP", 50},
    {"IPPROTO_AH", 51}, {"IPPROTO_MTP", 92}, {"IPPROTO_BEETPH", 94}, {"IPPROTO_ENCAP", 98}, {"IPPROTO_PIM", 103},
    {"IPPROTO_COMP", 108}, {"IPPROTO_L2TP", 115}, {"IPPROTO_SCTP", 132}, {"IPPROTO_UDPLITE", 136},
    {"IPPROTO_MPLS", 137}, {"IPPROTO_ETHERNET", 143}, {"IPPROTO_RAW", 255}, {"IPPROTO_MPTCP", 262},
    {"IPPROTO_HOPOPTS", 0}, {"IPPROTO_ROUTING", 43}, {"IPPROTO_FRAGMENT", 44}, {"IPPROTO_ICMPV6", 58},
    {"IPPROTO_NONE", 59}, {"IPPROTO_DSTOPTS", 60}, {"IPPROTO_MH", 135},
};
// net/tcp_states.h.
constexpr NamedNumber kTcpStateTable[] = {
    {"TCP_ESTABLISHED", 1}, {"TCP_SYN_SENT", 2}, {"TCP_SYN_RECV", 3}, {"TCP_FIN_WAIT1", 4}, {"TCP_FIN_WAIT2", 5},
    {"TCP_TIME_WAIT", 6}, {"TCP_CLOSE", 7}, {"TCP_CLOSE_WAIT", 8}, {"TCP_LAST_ACK", 9}, {"TCP_LISTEN", 10},
    {"TCP_CLOSING", 11}, {"TCP_NEW_SYN_RECV", 12}, {"TCP_BOUND_INACTIVE", 13},
};
// As the policy language spells them.
constexpr NamedNumber kNamespaceTable[] = {
    {"Uts", TRIGON_NS_UTS}, {"Ipc", TRIGON_NS_IPC}, {"Mnt", TRIGON_NS_MNT}, {"Pid", TRIGON_NS_PID},
    {"PidForChildren", TRIGON_NS_PID_FOR_CHILDREN}, {"Net", TRIGON_NS_NET}, {"Time", TRIGON_NS_TIME},
    {"TimeForChildren", TRIGON_NS_TIME_FOR_CHILDREN}, {"Cgroup", TRIGON_NS_CGROUP}, {"User", TRIGON_NS_USER},
};
constexpr NamedNumber kCapabilitySetTable[] = {
    {"Effective", TRIGON_CAP_EFFECTIVE}, {"Inheritable", TRIGON_CAP_INHERITABLE}, {"Permitted", TRIGON_CAP_PERMITTED},
};
constexpr NamedNumber kCredentialIdTable[] = {
    {"uid", TRIGON_CRED_UID}, {"ruid", TRIGON_CRED_UID}, {"gid", TRIGON_CRED_GID}, {"rgid", TRIGON_CRED_GID},
    {"suid", TRIGON_CRED_SUID}, {"sgid", TRIGON_CRED_SGID}, {"euid", TRIGON_CRED_EUID}, {"egid", TRIGON_CRED_EGID},
    {"fsuid", TRIGON_CRED_FSUID}, {"fsgid", TRIGON_CRED_FSGID},
};
// linux/stat.h: S_IF* >> 12.
constexpr NamedNumber kFileTypeTable[] = {
    {"sock", 014}, {"socket", 014}, {"lnk", 012}, {"link", 012}, {"reg", 010}, {"regular", 010}, {"blk", 06},
    {"block", 06}, {"dir", 04}, {"directory", 04}, {"chr", 02}, {"char", 02}, {"fifo", 01}, {"pipe", 01},
};
// clang-format on

}  // namespace

const std::span<const NamedNumber> kCapabilities = kCapabilityTable;
const std::span<const NamedNumber> kFamilies = kFamilyTable;
const std::span<const NamedNumber> kProtocols = kProtocolTable;
const std::span<const NamedNumber> kTcpStates = kTcpStateTable;
const std::span<const NamedNumber> kNamespaces = kNamespaceTable;
const std::span<const NamedNumber> kCapabilitySets = kCapabilitySetTable;
const std::span<const NamedNumber> kCredentialIds = kCredentialIdTable;
const std::span<const NamedNumber> kFileTypes = kFileTypeTable;

std::optional<uint32_t> number_of(std::span<const NamedNumber> table, std::string_view name) {
  for (const NamedNumber& entry : table) {
    if (entry.name == name) return entry.number;
  }
  return std::nullopt;
}

std::string suggestion(std::span<const NamedNumber> table, std::string_view name) {
  std::vector<std::string_view> names;
  for (const NamedNumber& entry : table) names.push_back(entry.name);
  return did_you_mean(name, names);
}

}  // namespace trigon::policy
