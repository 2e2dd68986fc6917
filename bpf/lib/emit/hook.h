// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// One hook point, from registers to record: classify, act, write. What every hook program calls after it has filled
// work->arg and the event's system call.
#ifndef TRIGON_LIB_EMIT_HOOK_H
#define TRIGON_LIB_EMIT_HOOK_H

#include "bpf/lib/act/signal.h"
#include "bpf/lib/base/config.h"
#include "bpf/lib/emit/ring.h"
#include "bpf/lib/match/classify.h"
#include "bpf/lib/match/fields.h"

// Evaluates the dimensions from work->dim on that need `field` (TRIGON_MAX_FIELDS: those of the process).
TRIGON_GLOBAL int hook_dims(u32 hook_index, u32 field) {
  struct match_scratch *scratch = match_scratch();
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!scratch || !hook) return 0;
  struct match_work *work = &scratch->work;
  for (u32 i = 0; i < TRIGON_MAX_DIMS; i++) {
    u32 dim = work->dim;
    if (dim >= hook->dims) break;
    dim &= TRIGON_MAX_DIMS - 1;
    barrier_var(dim);
    if (dim >= TRIGON_MAX_DIMS) break;
    u32 needs = hook->dim[dim].source == TRIGON_SRC_FIELD ? hook->dim[dim].field : TRIGON_MAX_FIELDS;
    if (needs != field) break;
    if (!classify_dim(hook_index, dim)) return 0;
    work->dim = dim + 1;
  }
  return 1;
}

// Fields are read only as long as a selector is left; dimensions are ordered by the field they need.
static __always_inline int hook_match(struct match_work *work, struct match_scratch *scratch,
                                      const struct trigon_hook *hook, u32 hook_index) {
  u32 fields = hook->fields, words = hook->words;
  const struct trigon_vector *all = classify_vector(work->parity, hook->all);
  if (!all) return 0;
  for (u32 i = 0; i < TRIGON_VEC_WORDS; i++) {
    if (i >= words) break;
    work->vector.word[i] = all->word[i];
  }
  work->dim = 0;
  if (hook->dims && hook->dim[0].source != TRIGON_SRC_FIELD && !hook_dims(hook_index, TRIGON_MAX_FIELDS)) return 0;
  for (u32 f = 0; f < TRIGON_MAX_FIELDS; f++) {
    if (f >= fields) break;
    fields_read(hook_index, f);
    if (!hook_dims(hook_index, f)) return 0;
  }
  return 1;
}

// Without bpf_loop: policies per event beyond this are neither reported nor acted on (match_overflow counts them).
#define HOOK_TAKES_UNROLLED 256

static long hook_take_step(u32 i, u32 *hook_index) { return !classify_take(*hook_index); }

TRIGON_GLOBAL int hook_run(u32 slot) {
  struct match_scratch *scratch = match_scratch();
  if (!scratch || slot >= TRIGON_MAX_HOOKS) return 0;
  struct match_work *work = &scratch->work;
  u32 hook_index = (work->parity & 1) * TRIGON_MAX_HOOKS + slot;
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!hook) return 0;
  struct trigon_hook_event *event = &scratch->event;
  // Data starts behind the fields that this hook has, not behind those that it could have.
  u32 fields = hook->fields;
  if (fields > TRIGON_MAX_FIELDS) return 0;
  work->used = __builtin_offsetof(struct trigon_hook_event, field) + fields * sizeof(struct trigon_field);
  work->next = 0;
  work->actions = 0;
  work->signal = 0;
  event->matches = 0;
  event->signal_error = 0;
  if (!hook_match(work, scratch, hook, hook_index)) return 0;
  // Each round decides a selector or passes a word.
  base_loop(TRIGON_MAX_SELECTORS + TRIGON_VEC_WORDS, HOOK_TAKES_UNROLLED, hook_take_step, &hook_index);
  if (work->next < hook->words * 64u) {  // the rounds ran out
    struct trigon_counters *books = base_counters();
    if (books) base_count(&books->match_overflow);
  }
  if (work->actions & TRIGON_ACT_SIGNAL) event->signal_error = act_signal(work->signal);
  if (!(work->actions & TRIGON_ACT_POST)) return 0;

  struct trigon_counters *counters = base_counters();
  if (!counters) return 0;
  if (emit_ring_busy()) {
    base_count(&counters->produced[TRIGON_REC_HOOK]);
    emit_lost(counters, TRIGON_REC_HOOK);
    return 0;
  }
  u64 id = bpf_get_current_pid_tgid(), start_ns;
  event->generation = work->generation;
  event->hook = slot;
  event->fields = fields;
  if (cfg_task_storage) {
    struct task_struct *task = base_untrusted(bpf_get_current_task_btf(), cfg_btf_task);
    event->uid = task->cred->euid.val;
    start_ns = task->group_leader->start_boottime;
  } else {
    struct task_struct *task = (void *)bpf_get_current_task();
    event->uid = BPF_CORE_READ(task, cred, euid.val);
    start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
  }
  emit_header(&event->rec, counters, TRIGON_REC_HOOK, id >> 32, id, start_ns);
  u32 used = work->used;
  barrier_var(used);
  if (used > sizeof(*scratch)) return 0;
  emit_output(&event->rec, counters, used);
  return 0;
}

#endif
