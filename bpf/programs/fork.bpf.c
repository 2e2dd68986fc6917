// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Birth of processes.
//
//   tp_btf/task_newtask   in copy_process(), the child is complete and has not run
//
// Threads are not processes: a task with CLONE_THREAD is passed over. A fork that fails after this point (the cgroup's
// pids limit is checked before it) does not exist, so every record is a process that was.
#include "bpf/lib/emit/ring.h"
#include "bpf/lib/match/state.h"
#include "bpf/lib/read/task.h"

SEC("tp_btf/task_newtask")
int BPF_PROG(process_fork, struct task_struct *task, u64 clone_flags) {
  if (clone_flags & CLONE_THREAD) return 0;
  if (task->flags & PF_KTHREAD) return 0;
  struct trigon_counters *counters = base_counters();
  if (!counters) return 0;
  state_inherit(task);
  task = base_untrusted(task, cfg_btf_task);
  struct trigon_fork *event = emit_reserve(counters, sizeof(*event), TRIGON_REC_FORK);
  if (!event) return 0;
  const struct task_struct *parent = task->real_parent->group_leader;
  event->parent_pid = parent->tgid;
  event->parent_start_ns = parent->start_boottime;
  event->ns_pid = read_task_ns_pid(task);
  event->clone_flags = clone_flags;
  read_task_cgroup(&event->cgroup_id, &event->cgroup_v1, task);
  event->has_ns = (clone_flags & CLONE_NEW_ANY) != 0;
  if (event->has_ns) read_task_namespaces(&event->ns, task);
  emit_header(&event->rec, counters, TRIGON_REC_FORK, task->tgid, task->pid, task->start_boottime);
  emit_submit(&event->rec, sizeof(*event));
  return 0;
}
