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
#include "bpf/lib/match/fields.h"

// What the hook's table says of field i: system calls have no program of their own.
TRIGON_GLOBAL int syscall_field(u32 at, u32 hook_index, u32 i) {
  struct match_scratch *scratch = match_scratch(at);
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!scratch || !hook || i >= TRIGON_MAX_FIELDS) return 0;
  struct match_work *work = &scratch->work;
  struct trigon_field *field = &scratch->event.field[i];
  const struct trigon_syscall_field *conf = &hook->field[i];
  u32 size_arg = conf->size_arg;
  u64 size = 0, value = work->arg[conf->arg & (TRIGON_MAX_ARGS_IN_WORK - 1)];
  // returnArg is the result itself; returnCopy is an argument whose memory the call has filled.
  if (conf->flags & TRIGON_CONF_RESULT) value = work->result;
  if (size_arg) size = work->arg[(size_arg - 1) & (TRIGON_MAX_ARGS_IN_WORK - 1)];
  if (conf->flags & TRIGON_CONF_AT_RETURN) size = fields_filled(work, conf->type, size_arg, size);
  fields_take(at, scratch, field, i, conf->type, value, size_arg, size, conf->max, false);
  return 0;
}

#define HOOK_UNROLL
#define HOOK_FIELD(f) syscall_field(at, hook_index, f)
#define HOOK_IS_PATH(f) true
#include "bpf/lib/emit/hook.h"

// By themselves, so that the verifier goes through their loops once and not for each state of the callers.
TRIGON_GLOBAL int syscall_match(u32 at, u32 hook_index, u32 first, u32 end) {
  struct match_scratch *scratch = match_scratch(at);
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!scratch || !hook) return 0;
  struct match_work *work = &scratch->work;
  return hook_match(at, work, hook, hook_index, first, end);
}

TRIGON_GLOBAL int syscall_read_rest(u32 at, u32 hook_index, u32 first, u32 end) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  hook_read_rest(at, work, first, end);
  return 0;
}

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

static __always_inline void syscall_entry(void *ctx, u32 at, u32 hook_index, u32 slot) {
  struct match_scratch *scratch = match_scratch(at);
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!scratch || !hook) return;
  struct match_work *work = &scratch->work;
  struct trigon_hook_event *event = &scratch->event;
  if (run_control.trace_only && !process_traced(at, work)) return;
  u32 fields = hook->fields, all = fields + hook->return_fields;
  if (all > TRIGON_MAX_FIELDS) return;
  work->used = __builtin_offsetof(struct trigon_hook_event, field) + all * sizeof(struct trigon_field);
  event->flags = 0;
  if (!hook_all(work, hook)) return;
  if (!syscall_match(at, hook_index, 0, fields)) return;
  event->fields = fields;
  event->entry_fields = fields;
  event->error = 0;
  event->signal_error = 0;
  event->ip = 0;
  __builtin_memset(&event->kernel_stack, 0, 3 * sizeof(struct trigon_span));
  hook_take_all(at, hook_index);
  enforce(work, event);
  if (!(work->actions & (TRIGON_ACT_POST | TRIGON_ACT_USER | TRIGON_ACT_RETURN))) return;
  syscall_read_rest(at, hook_index, 0, fields);
  if (work->actions & TRIGON_ACT_RETURN) {
    if (work->actions & TRIGON_ACT_USTACK) hook_stack(ctx, scratch, &event->user_stack, BPF_F_USER_STACK);
    u64 thread = bpf_get_current_pid_tgid();
    if (pending_put(at, slot)) bpf_map_update_elem(&tri_returning, &thread, &slot, BPF_ANY);
    // Another policy may want the entry itself.
    if (!event->matches) return;
  }
  if (work->actions & TRIGON_ACT_RATE && !rate_filter(at, hook->sel_base)) return;
  hook_post(ctx, at, scratch, slot, TRIGON_ACT_KSTACK | TRIGON_ACT_USTACK);
}

// The call's own tables and those of all calls are two events.
static __always_inline int syscall_hook(void *ctx, u32 slot, u32 generation, struct pt_regs *regs, u32 number,
                                        u32 abi) {
  u32 hook_index;
  if (!hook_tables(slot, generation, &hook_index)) return 0;
  u32 at = hook_begin(generation);
  if (at >= MATCH_SCRATCHES) return 0;
  struct match_scratch *scratch = match_scratch(at);
  if (scratch) {
    syscall_args(scratch->work.arg, regs, abi);
    scratch->event.syscall = number;
    scratch->event.syscall_abi = abi;
    syscall_entry(ctx, at, hook_index, slot);
  }
  match_release(at);
  return 0;
}

static __always_inline void syscall_return(void *ctx, u32 at, u32 slot, u32 current) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch || !pending_take(at, slot)) return;
  struct match_work *work = &scratch->work;
  struct trigon_hook_event *event = &scratch->event;
  struct trigon_counters *counters = base_counters();
  u32 parity = work->generation & 1, entry_index = parity * TRIGON_MAX_HOOKS + slot;
  const struct trigon_hook *entry = bpf_map_lookup_elem(&tri_hooks, &entry_index);
  if (!entry || !counters) return;
  u32 return_slot = entry->return_slot, first = entry->fields, end = first + entry->return_fields;
  if (current - work->generation > 1) {  // its tables are gone
    base_count(&counters->produced[TRIGON_REC_HOOK]);
    emit_lost(counters, TRIGON_REC_HOOK);
    return;
  }
  if (!return_slot || return_slot > TRIGON_MAX_HOOKS || end > TRIGON_MAX_FIELDS) return;
  work->parity = parity;
  u32 hook_index = parity * TRIGON_MAX_HOOKS + return_slot - 1;
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!hook) return;
  event->flags |= TRIGON_HOOK_RETURN;
  event->fields = end;
  work->read = 0;
  if (work->phase == 2)
    event->flags |= TRIGON_HOOK_OTHER_POLICY;
  else if (!syscall_match(at, hook_index, first, end))
    return;
  hook_take_all(at, hook_index);
  enforce(work, event);
  if (!(work->actions & (TRIGON_ACT_POST | TRIGON_ACT_USER))) return;
  syscall_read_rest(at, hook_index, first, end);
  if (work->actions & TRIGON_ACT_RATE && !rate_filter(at, hook->sel_base)) return;
  hook_post(ctx, at, scratch, slot, 0);
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
  // What looks at all calls may tell the enforcer of this one what to do.
  if (raw) syscall_hook(ctx, raw - 1, generation, regs, number, abi);
  if (slot) syscall_hook(ctx, slot - 1, generation, regs, number, abi);
  return 0;
}

// Only while some policy wants what a call returned.
SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long result) {
  u64 thread = bpf_get_current_pid_tgid();
  u32 *slot_of = bpf_map_lookup_elem(&tri_returning, &thread);
  if (!slot_of) return 0;
  u32 slot = *slot_of, generation = run_control.generation;
  bpf_map_delete_elem(&tri_returning, &thread);
  u32 at = hook_claim();
  if (at >= MATCH_SCRATCHES) return 0;
  struct match_scratch *scratch = match_scratch(at);
  if (scratch) {
    scratch->work.generation = generation;
    scratch->work.has_state = 0;
    scratch->work.registers = 0;
    scratch->work.result = result;
    syscall_return(ctx, at, slot, generation);
  }
  match_release(at);
  return 0;
}
