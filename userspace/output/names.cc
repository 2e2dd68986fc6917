#include "output/names.h"

#include <cstring>
#include <iterator>

#include "output/number_names.h"

namespace trigon::output {
namespace {

constexpr std::string_view kCapabilityNames[] = {"CAP_CHOWN",
                                                 "DAC_OVERRIDE",
                                                 "CAP_DAC_READ_SEARCH",
                                                 "CAP_FOWNER",
                                                 "CAP_FSETID",
                                                 "CAP_KILL",
                                                 "CAP_SETGID",
                                                 "CAP_SETUID",
                                                 "CAP_SETPCAP",
                                                 "CAP_LINUX_IMMUTABLE",
                                                 "CAP_NET_BIND_SERVICE",
                                                 "CAP_NET_BROADCAST",
                                                 "CAP_NET_ADMIN",
                                                 "CAP_NET_RAW",
                                                 "CAP_IPC_LOCK",
                                                 "CAP_IPC_OWNER",
                                                 "CAP_SYS_MODULE",
                                                 "CAP_SYS_RAWIO",
                                                 "CAP_SYS_CHROOT",
                                                 "CAP_SYS_PTRACE",
                                                 "CAP_SYS_PACCT",
                                                 "CAP_SYS_ADMIN",
                                                 "CAP_SYS_BOOT",
                                                 "CAP_SYS_NICE",
                                                 "CAP_SYS_RESOURCE",
                                                 "CAP_SYS_TIME",
                                                 "CAP_SYS_TTY_CONFIG",
                                                 "CAP_MKNOD",
                                                 "CAP_LEASE",
                                                 "CAP_AUDIT_WRITE",
                                                 "CAP_AUDIT_CONTROL",
                                                 "CAP_SETFCAP",
                                                 "CAP_MAC_OVERRIDE",
                                                 "CAP_MAC_ADMIN",
                                                 "CAP_SYSLOG",
                                                 "CAP_WAKE_ALARM",
                                                 "CAP_BLOCK_SUSPEND",
                                                 "CAP_AUDIT_READ",
                                                 "CAP_PERFMON",
                                                 "CAP_BPF",
                                                 "CAP_CHECKPOINT_RESTORE"};
static_assert(std::size(kCapabilityNames) == kCapabilities);

constexpr std::string_view kSecurebitNames[] = {
    "SecBitNoRoot",   "SecBitNoRootLocked",   "SecBitNoSetUidFixup",     "SecBitNoSetUidFixupLocked",
    "SecBitKeepCaps", "SecBitKeepCapsLocked", "SecBitNoCapAmbientRaise", "SecBitNoCapAmbientRaiseLocked"};

// asm-generic/signal.h: the same on x86 and arm64.
constexpr std::string_view kSignalNames[] = {
    "",          "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS"};

constexpr std::string_view kRealTimeNames[] = {
    "SIGRTMIN-2",  "SIGRTMIN-1",  "SIGRTMIN",    "SIGRTMIN+1",  "SIGRTMIN+2",  "SIGRTMIN+3",  "SIGRTMIN+4",
    "SIGRTMIN+5",  "SIGRTMIN+6",  "SIGRTMIN+7",  "SIGRTMIN+8",  "SIGRTMIN+9",  "SIGRTMIN+10", "SIGRTMIN+11",
    "SIGRTMIN+12", "SIGRTMIN+13", "SIGRTMIN+14", "SIGRTMIN+15", "SIGRTMAX-14", "SIGRTMAX-13", "SIGRTMAX-12",
    "SIGRTMAX-11", "SIGRTMAX-10", "SIGRTMAX-9",  "SIGRTMAX-8",  "SIGRTMAX-7",  "SIGRTMAX-6",  "SIGRTMAX-5",
    "SIGRTMAX-4",  "SIGRTMAX-3",  "SIGRTMAX-2",  "SIGRTMAX-1",  "SIGRTMAX"};

// enum hash_algo, include/uapi/linux/hash_info.h; names as in crypto/hash_info.c.
constexpr std::string_view kHashNames[] = {"md4",         "md5",         "sha1",     "rmd160",   "sha256",  "sha384",
                                           "sha512",      "sha224",      "rmd128",   "rmd256",   "rmd320",  "wp256",
                                           "wp384",       "wp512",       "tgr128",   "tgr160",   "tgr192",  "sm3",
                                           "streebog256", "streebog512", "sha3-256", "sha3-384", "sha3-512"};

// Taints that a module can cause, by bit (linux/panic.h).
constexpr NumberName kTaintNames[] = {{0, "TAINT_PROPRIETARY_MODULE"},        {1, "TAINT_FORCED_MODULE"},
                                      {2, "TAINT_FORCED_UNLOAD_MODULE"},      {10, "TAINT_STAGED_MODULE"},
                                      {12, "TAINT_OUT_OF_TREE_MODULE"},       {13, "TAINT_UNSIGNED_MODULE"},
                                      {15, "TAINT_KERNEL_LIVE_PATCH_MODULE"}, {18, "TAINT_TEST_MODULE"}};

// include/uapi/linux/sched.h.
constexpr NumberName kNamespaceNames[] = {
    {0, "any"},          {0x00000080, "time"}, {0x00020000, "mnt"}, {0x02000000, "cgroup"}, {0x04000000, "uts"},
    {0x08000000, "ipc"}, {0x10000000, "user"}, {0x20000000, "pid"}, {0x40000000, "net"}};

}  // namespace

std::string_view capability_name(unsigned number) {
  return number < kCapabilities ? kCapabilityNames[number] : std::string_view();
}

std::string_view securebit_name(unsigned bit) {
  return bit < std::size(kSecurebitNames) ? kSecurebitNames[bit] : std::string_view();
}

std::string_view signal_name(unsigned number) {
  if (number < std::size(kSignalNames)) return kSignalNames[number];
  const unsigned real_time = number - static_cast<unsigned>(std::size(kSignalNames));
  return real_time < std::size(kRealTimeNames) ? kRealTimeNames[real_time] : std::string_view();
}

std::string_view errno_name(unsigned number) {
  const char* const name = ::strerrorname_np(static_cast<int>(number));
  return number != 0 && name != nullptr ? name : "";
}

std::string_view hash_name(unsigned number) { return number < std::size(kHashNames) ? kHashNames[number] : ""; }

std::string_view taint_name(unsigned bit) { return find_name(kTaintNames, bit); }

std::string_view namespace_name(uint32_t clone_flag) { return find_name(kNamespaceNames, clone_flag); }

}  // namespace trigon::output
