// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Death of processes.
//
//   tp_btf/sched_process_exit   in do_exit(), signal->live has been decremented
//
// A process is gone when its last thread goes, which need not be the leader. Two last threads may leave together and
// both see live == 0; both then report, and the reader keeps the first (a process exits once; duplicate_exits counts
// the other). Nothing in the kernel could decide that on 5.10 without a lock.
#include "bpf/lib/emit/ring.h"
#include "bpf/lib/match/state.h"
#include "bpf/lib/read/task.h"

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task) {
  u32 pid = task->tgid;
  task = base_untrusted(task, cfg_btf_task);
  struct signal_struct *signal = task->signal;
  if (signal->live.counter > 0) return 0;
  if (task->flags & PF_KTHREAD) return 0;
  struct trigon_counters *counters = base_counters();
  if (!counters) return 0;
  struct trigon_exit *event = emit_reserve(counters, sizeof(*event), TRIGON_REC_EXIT);
  if (event) {
    const struct task_struct *leader = task->group_leader;
    u64 start_ns = leader->start_boottime;
    // As wait_task_zombie() reports it.
    event->code = (signal->flags & SIGNAL_GROUP_EXIT) ? signal->group_exit_code : leader->exit_code;
    event->thread_code = task->exit_code;
    emit_header(&event->rec, counters, TRIGON_REC_EXIT, pid, task->pid, start_ns);
    event->run_ns = event->rec.time_ns - start_ns;
    emit_submit(&event->rec, sizeof(*event));
  }
  state_forget_process(pid);
  return 0;
}
