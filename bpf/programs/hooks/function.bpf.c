// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Functions of the kernel and security hooks.
//
//   trigon/fentry, trigon/fexit   by trampoline (5.5 on x86_64, 6.4 on arm64): the cheapest
//   trigon/lsm                    BPF LSM (5.7): may answer with an error before anything happened
//   kprobe, kretprobe             by breakpoint or ftrace
//   kprobe.multi, kretprobe.multi the same for many functions at once (5.18)
//
// The sections trigon/… are libbpf's to load but ours to aim: user space knows the function's type number already, and
// libbpf would read all of the kernel's types again for it (userspace/bpf/hook_program.cc).
//
// Gaps: what the compiler inlined is not passed; a kprobe sees no function that is notrace or on the kprobe blacklist;
// kretprobes have a limited number of instances and miss returns beyond it (nmissed).
#include "bpf/lib/emit/plan.h"

static __always_inline void function_trampoline_args(struct match_work *work, const u64 *ctx) {
  _Pragma("unroll") for (u32 i = 0; i < 12; i++) {
    if (i >= cfg_args) break;
    work->arg[i] = ctx[i];
  }
}

// The value behind the arguments. Offsets into the context must be constants.
static __always_inline void function_trampoline_result(struct match_work *work, const u64 *ctx) {
  _Pragma("unroll") for (u32 i = 0; i <= 12; i++) {
    if (i == cfg_args) work->result = ctx[i];
  }
}

static __always_inline u64 function_trampoline_first(const u64 *ctx) {
  u64 value = 0;
  _Pragma("unroll") for (u32 i = 0; i < 12; i++) {
    if (i == cfg_field[0].arg && i < cfg_args) value = ctx[i];
  }
  return value;
}

// Each register by itself: the context may only be read at constant offsets, which the barriers keep apart.
static __always_inline u64 function_register_first(struct pt_regs *ctx) {
  u32 arg = cfg_field[0].arg;
  u64 value = 0;
  if (arg == 0) value = PT_REGS_PARM1(ctx);
  barrier_var(value);
  if (arg == 1) value = PT_REGS_PARM2(ctx);
  barrier_var(value);
  if (arg == 2) value = PT_REGS_PARM3(ctx);
  barrier_var(value);
  if (arg == 3) value = PT_REGS_PARM4(ctx);
  barrier_var(value);
  if (arg == 4) value = PT_REGS_PARM5(ctx);
  barrier_var(value);
  if (arg == 5) value = PT_REGS_PARM6(ctx);
  return value;
}

#define FUNCTION_ENTRY(ctx, first, fill)                                             \
  ({                                                                                 \
    u32 hook_index, generation = run_control.generation;                             \
    u32 at = MATCH_SCRATCHES;                                                        \
    int answer = 0;                                                                  \
    const struct trigon_hook *hook = hook_tables(cfg_slot, generation, &hook_index); \
    if (hook && !plan_rejects(hook, generation, first)) at = hook_begin(generation); \
    if (at < MATCH_SCRATCHES) {                                                      \
      struct match_scratch *scratch = match_scratch(at);                             \
      if (scratch) {                                                                 \
        struct match_work *work = &scratch->work;                                    \
        fill;                                                                        \
        answer = plan_entry(ctx, at, hook_index);                                    \
      }                                                                              \
      match_release(at);                                                             \
    }                                                                                \
    answer;                                                                          \
  })

#define FUNCTION_RETURN(ctx, fill)                                     \
  ({                                                                   \
    u32 generation = run_control.generation;                           \
    u32 at = pending_waits(cfg_slot) ? hook_claim() : MATCH_SCRATCHES; \
    if (at < MATCH_SCRATCHES) {                                        \
      struct match_scratch *scratch = match_scratch(at);               \
      if (scratch) {                                                   \
        struct match_work *work = &scratch->work;                      \
        work->generation = generation;                                 \
        work->has_state = 0;                                           \
        work->registers = 0;                                           \
        fill;                                                          \
        plan_return(ctx, at, generation);                              \
      }                                                                \
      match_release(at);                                               \
    }                                                                  \
  })

SEC("trigon/fentry")
int hook_fentry(u64 *ctx) {
  FUNCTION_ENTRY(ctx, function_trampoline_first(ctx), function_trampoline_args(work, ctx));
  return 0;
}

SEC("trigon/fexit")
int hook_fexit(u64 *ctx) {
  FUNCTION_RETURN(ctx, function_trampoline_result(work, ctx));
  return 0;
}

// The answer of an LSM hook is 0 or a negative errno, and the verifier wants to see that.
SEC("trigon/lsm")
int hook_lsm(u64 *ctx) {
  int answer = FUNCTION_ENTRY(ctx, function_trampoline_first(ctx), function_trampoline_args(work, ctx));
  if (!(cfg_actions & (TRIGON_ACT_OVERRIDE | TRIGON_ACT_ENFORCER))) return 0;
  barrier_var(answer);
  if (answer > 0 || answer < -4095) return 0;
  return answer;
}

static __always_inline void function_registers(struct match_work *work, struct pt_regs *ctx) {
  work->registers = (u64)ctx;
  work->arg[0] = PT_REGS_PARM1(ctx);
  work->arg[1] = PT_REGS_PARM2(ctx);
  work->arg[2] = PT_REGS_PARM3(ctx);
  work->arg[3] = PT_REGS_PARM4(ctx);
  work->arg[4] = PT_REGS_PARM5(ctx);
  work->arg[5] = PT_REGS_PARM6(ctx);
}

SEC("kprobe")
int hook_kprobe(struct pt_regs *ctx) {
  FUNCTION_ENTRY(ctx, function_register_first(ctx), function_registers(work, ctx));
  return 0;
}

SEC("kretprobe")
int hook_kretprobe(struct pt_regs *ctx) {
  FUNCTION_RETURN(ctx, work->result = PT_REGS_RC(ctx));
  return 0;
}

SEC("kprobe.multi")
int hook_kprobe_multi(struct pt_regs *ctx) {
  FUNCTION_ENTRY(ctx, function_register_first(ctx), function_registers(work, ctx));
  return 0;
}

SEC("kretprobe.multi")
int hook_kretprobe_multi(struct pt_regs *ctx) {
  FUNCTION_RETURN(ctx, work->result = PT_REGS_RC(ctx));
  return 0;
}

// Functions of user space have the same calling convention.
SEC("uprobe")
int hook_uprobe(struct pt_regs *ctx) {
  FUNCTION_ENTRY(ctx, function_register_first(ctx), function_registers(work, ctx));
  return 0;
}

SEC("uretprobe")
int hook_uretprobe(struct pt_regs *ctx) {
  FUNCTION_RETURN(ctx, work->result = PT_REGS_RC(ctx));
  return 0;
}
