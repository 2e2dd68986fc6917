// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Tracepoints.
//
//   raw_tp       the arguments of TP_PROTO
//   tracepoint   the record that the tracepoint's format file describes
#include "bpf/lib/emit/plan.h"

SEC("raw_tp")
int hook_raw_tracepoint(u64 *ctx) {
  u32 hook_index, generation = run_control.generation;
  const struct trigon_hook *hook = hook_tables(cfg_slot, generation, &hook_index);
  u64 first = 0;
  _Pragma("unroll") for (u32 i = 0; i < 12; i++) {
    if (i == cfg_field[0].arg && i < cfg_args) first = ctx[i];
  }
  if (!hook || plan_rejects(hook, generation, first)) return 0;
  u32 at = hook_begin(generation);
  if (at >= MATCH_SCRATCHES) return 0;
  struct match_scratch *scratch = match_scratch(at);
  if (scratch) {
    _Pragma("unroll") for (u32 i = 0; i < 12; i++) {
      if (i >= cfg_args) break;
      scratch->work.arg[i] = ctx[i];
    }
    plan_entry(ctx, at, hook_index);
  }
  match_release(at);
  return 0;
}

SEC("tracepoint")
int hook_tracepoint(void *ctx) {
  u32 hook_index, generation = run_control.generation;
  const struct trigon_hook *hook = hook_tables(cfg_slot, generation, &hook_index);
  if (!hook || plan_rejects(hook, generation, 0)) return 0;
  u32 at = hook_begin(generation);
  if (at >= MATCH_SCRATCHES) return 0;
  struct match_scratch *scratch = match_scratch(at);
  if (scratch) {
    scratch->work.registers = (u64)ctx;
    plan_entry(ctx, at, hook_index);
  }
  match_release(at);
  return 0;
}
