// What the agent keeps of root's powers once everything is loaded and attached.
#pragma once

#include "base/result.h"

namespace trigon::daemon {

// Keeps, in all sets: CAP_BPF and CAP_PERFMON (policies are added at run time), CAP_SYS_PTRACE (arguments and working
// directories of other users' processes in procfs), CAP_DAC_READ_SEARCH (cgroup paths by file handle, policy files).
// Sets no_new_privs. Files are then opened as the user that the agent runs as: a log directory that root does not own
// has to be writable for root.
Result<void> drop_privileges();

}  // namespace trigon::daemon
