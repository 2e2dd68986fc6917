// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Signals to the current process. At sys_enter the system call that is about to run still runs: whether it has an
// effect depends on the call (docs/guide/enforcement.md). The answer is -errno: EPERM for the host's pid 1.
#ifndef TRIGON_LIB_ACT_SIGNAL_H
#define TRIGON_LIB_ACT_SIGNAL_H

#include "bpf/lib/base/counters.h"

static __always_inline s16 act_signal(u16 signal) {
  long err = bpf_send_signal(signal);
  struct trigon_counters *counters = base_counters();
  if (counters) base_count(err ? &counters->signal_failures : &counters->signals);
  return err;
}

#endif
