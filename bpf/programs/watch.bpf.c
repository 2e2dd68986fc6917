// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What policies must know of a process from its first moment: which sets of binaries it and its descendants are in
// (followChildren), and the namespaces and capabilities that changes are told against. Attached only while a policy
// asks for one of them, after the base sensor's own program.
//
//   tp_btf/sched_process_exec   the new image is in place
#include "bpf/lib/match/process.h"

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_watch, struct task_struct *task, s32 old_pid, struct linux_binprm *bprm) {
  u32 generation = run_control.generation;
  if (!generation) return 0;
  u32 at = match_claim();
  if (at >= MATCH_SCRATCHES) return 0;
  struct match_scratch *scratch = match_scratch(at);
  if (scratch) {
    struct match_work *work = &scratch->work;
    work->generation = generation;
    work->parity = generation & 1;
    work->has_state = 0;
    process_classify(at);
  }
  match_release(at);
  return 0;
}
