// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// System calls, for every policy that hooks one (kprobes with syscall: true, tracepoints raw_syscalls/sys_enter and
// syscalls/sys_enter_*). Attached only while a policy needs it.
//
//   tp_btf/sys_enter   after ptrace and seccomp, before the body; every ABI passes here, int 0x80 too, which the
//                      syscalls:sys_enter_* tracepoints do not see
//
// One program for all calls: the number leads to the hook's table. A call without a hook costs one array look-up.
//
// Gaps: io_uring operations are not system calls and do not pass here. Strings may be changed by another thread
// between this read and the kernel's own. Calls that seccomp refuses do not reach this point.
#include "bpf/lib/emit/hook.h"

// arch/x86/include/asm/thread_info.h
#define TS_COMPAT 0x0002
#define X32_SYSCALL_BIT 0x40000000
// arch/arm64/include/asm/thread_info.h
#define TIF_32BIT 22

static __always_inline u32 syscall_abi(long number) {
#if defined(__TARGET_ARCH_x86)
  if (number & X32_SYSCALL_BIT) return TRIGON_ABI_X32;
  u32 status = cfg_task_storage ? bpf_get_current_task_btf()->thread_info.status
                                : BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), thread_info.status);
  return status & TS_COMPAT ? TRIGON_ABI_COMPAT32 : TRIGON_ABI_NATIVE;
#else
  u64 flags = cfg_task_storage ? bpf_get_current_task_btf()->thread_info.flags
                               : BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), thread_info.flags);
  return (flags >> TIF_32BIT) & 1 ? TRIGON_ABI_COMPAT32 : TRIGON_ABI_NATIVE;
#endif
}

static __always_inline void syscall_args(u64 *arg, struct pt_regs *regs, u32 abi) {
#if defined(__TARGET_ARCH_x86)
  if (abi == TRIGON_ABI_COMPAT32) {
    arg[0] = (u32)regs->bx;
    arg[1] = (u32)regs->cx;
    arg[2] = (u32)regs->dx;
    arg[3] = (u32)regs->si;
    arg[4] = (u32)regs->di;
    arg[5] = (u32)regs->bp;
    return;
  }
  arg[0] = regs->di;
  arg[1] = regs->si;
  arg[2] = regs->dx;
  arg[3] = regs->r10;
  arg[4] = regs->r8;
  arg[5] = regs->r9;
#elif defined(__TARGET_ARCH_arm64)
  arg[0] = regs->orig_x0;
  arg[1] = regs->regs[1];
  arg[2] = regs->regs[2];
  arg[3] = regs->regs[3];
  arg[4] = regs->regs[4];
  arg[5] = regs->regs[5];
#endif
}

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs, long id) {
  // Read once: what this event matches, and the generation that its record names, belong together.
  u32 generation = run_control.generation;
  u32 parity = generation & 1;
  u32 number = id & ~0x40000000;
  u32 raw = run_control.raw_hook[parity];
  if (number >= TRIGON_MAX_SYSCALLS) return 0;  // not a call of any ABI that is known; the kernel answers ENOSYS
  u32 index = parity * TRIGON_MAX_SYSCALLS + number;
  const struct trigon_syscall *hooked = bpf_map_lookup_elem(&tri_syscalls, &index);
  if (!hooked) return 0;
  // Numbers of the ABIs overlap: which one this is matters only when any of them has a hook.
  if (!*(const u64 *)hooked->slot && !raw) return 0;
  u32 abi = syscall_abi(id);
  u32 slot = hooked->slot[abi & 3];
  if (!slot && !raw) return 0;
  if (bpf_get_current_pid_tgid() >> 32 == run_control.self_pid) return 0;

  struct match_scratch *scratch = match_scratch();
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  work->generation = generation;
  work->parity = parity;
  work->has_state = 0;
  if (run_control.trace_only && !classify_traced(work, parity)) return 0;
  syscall_args(work->arg, regs, abi);
  scratch->event.syscall = number;
  scratch->event.syscall_abi = abi;
  if (slot) hook_run(slot - 1);
  if (raw) hook_run(raw - 1);
  return 0;
}
