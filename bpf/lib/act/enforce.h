// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What enforcing actions do at a hook: signals, and notes for the enforcer's hook of the same thread. The answer of the
// hook itself (work->error) is the program's business: only it knows whether it can answer.
#ifndef TRIGON_LIB_ACT_ENFORCE_H
#define TRIGON_LIB_ACT_ENFORCE_H

#include "bpf/lib/act/signal.h"
#include "bpf/lib/match/scratch.h"

static __always_inline void enforce(struct match_work *work, struct trigon_hook_event *event) {
  u32 actions = work->actions;
  if (actions & TRIGON_ACT_SIGNAL) {
    event->signal_error = act_signal(work->signal);
    if (!event->signal_error) event->flags |= TRIGON_HOOK_SIGNALLED;
  }
  if (!(actions & (TRIGON_ACT_NOTIFY | TRIGON_ACT_CLEANUP | TRIGON_ACT_ENFORCER))) return;
  u64 thread = bpf_get_current_pid_tgid();
  if (actions & TRIGON_ACT_NOTIFY) {
    struct base_notification note = {
        .error = work->notify_error, .signal = work->notify_signal, .generation = work->generation};
    bpf_map_update_elem(&tri_notified, &thread, &note, BPF_ANY);
  }
  if (actions & TRIGON_ACT_CLEANUP) bpf_map_delete_elem(&tri_notified, &thread);
  if (actions & TRIGON_ACT_ENFORCER) {
    struct base_notification *note = bpf_map_lookup_elem(&tri_notified, &thread);
    if (!note) return;
    if (note->signal) act_signal(note->signal);
    if (note->error) {
      work->error = note->error;
      work->actions |= TRIGON_ACT_OVERRIDE;
    }
    bpf_map_delete_elem(&tri_notified, &thread);
  }
}

#endif
