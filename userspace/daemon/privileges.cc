#include "daemon/privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace trigon::daemon {

namespace {

constexpr uint64_t bit(unsigned capability) { return 1ULL << capability; }

// BPF and PERFMON to attach policies that come later, SYS_PTRACE and DAC_READ_SEARCH to read /proc of other users'
// processes, SYSLOG for addresses in /proc/kallsyms (kptr_restrict).
constexpr uint64_t kKept =
    bit(CAP_BPF) | bit(CAP_PERFMON) | bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_SYSLOG);

}  // namespace

Result<void> drop_privileges() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0) return Error::from_errno("capget");
  // The bounding set first: dropping from it needs CAP_SETPCAP. It matters only for programs that the agent would
  // execute, and it executes none, so a refusal is no error.
  for (unsigned capability = 0; capability < 64; ++capability)
    if (!(kKept & bit(capability))) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  for (int i = 0; i < 2; ++i) {
    const auto mask = static_cast<uint32_t>(kKept >> (32 * i));
    data[i].permitted &= mask;
    data[i].effective = data[i].permitted;
    data[i].inheritable = 0;
  }
  if (syscall(SYS_capset, &header, data) != 0) return Error::from_errno("capset");
  return {};
}

}  // namespace trigon::daemon
