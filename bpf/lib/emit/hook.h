// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// One hook point, from values to record: classify, act, write. The program that includes this defines, before it does,
//   HOOK_FIELD(f)     reads field f of the event in scratch `at`
//   HOOK_UNROLL       what stands before the loops over fields (each f a constant, where .rodata tells of it)
//   HOOK_IS_PATH(f)   whether field f may be a path whose text is made late
// and fills work->arg.
#ifndef TRIGON_LIB_EMIT_HOOK_H
#define TRIGON_LIB_EMIT_HOOK_H

#include "bpf/lib/act/enforce.h"
#include "bpf/lib/act/rate.h"
#include "bpf/lib/act/track.h"
#include "bpf/lib/base/config.h"
#include "bpf/lib/emit/pending.h"
#include "bpf/lib/emit/ring.h"
#include "bpf/lib/match/classify.h"
#include "bpf/lib/match/take.h"

// After which field a dimension can be evaluated; TRIGON_MAX_FIELDS: before any, it belongs to the process.
static __always_inline u32 hook_dim_needs(const struct trigon_dim *dim) {
  if (dim->source != TRIGON_SRC_FIELD) return TRIGON_MAX_FIELDS;
  return dim->part == TRIGON_PART_GAINED && dim->field2 > dim->field ? dim->field2 : dim->field;
}

// Evaluates the dimensions from work->dim on that need `field`. 0: nobody is left.
TRIGON_GLOBAL int hook_dims(u32 at, u32 hook_index, u32 field) {
  struct match_scratch *scratch = match_scratch(at);
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!scratch || !hook) return 0;
  struct match_work *work = &scratch->work;
  for (u32 i = 0; i < TRIGON_MAX_DIMS; i++) {
    u32 dim = work->dim;
    if (dim >= hook->dims) break;
    dim &= TRIGON_MAX_DIMS - 1;
    barrier_var(dim);
    if (dim >= TRIGON_MAX_DIMS) break;
    if (hook_dim_needs(&hook->dim[dim]) != field) break;
    // Substrings are searched in a text, which a path does not have yet.
    if (hook->dim[dim].lookup == TRIGON_LOOKUP_SUBSTRING) fields_text(at, hook->dim[dim].field);
    if (!classify_dim(at, hook_index, dim)) return 0;
    work->dim = dim + 1;
  }
  return 1;
}

// Whether the process must be classified before its dimensions are looked up.
static __always_inline bool hook_needs_state(const struct trigon_dim *dim) {
  return (dim->source >= TRIGON_SRC_FOLLOW && dim->source <= TRIGON_SRC_CHILDREN) ||
         dim->source == TRIGON_SRC_NS_CHANGES || dim->source == TRIGON_SRC_CAP_CHANGES;
}

// Not a function of its own: the kernel counts eight frames, and those below need them.
static __always_inline int hook_process(u32 at, u32 hook_index) {
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!hook) return 0;
  bool state = false;
  for (u32 i = 0; i < TRIGON_MAX_DIMS; i++) {
    if (i >= hook->dims || hook->dim[i].source == TRIGON_SRC_FIELD) break;
    state |= hook_needs_state(&hook->dim[i]);
  }
  if (state) process_classify(at);
  return hook_dims(at, hook_index, TRIGON_MAX_FIELDS);
}

// Fields are read only as long as a selector is left; dimensions are ordered by the field they need.
#define hook_match(at, work, hook, hook_index, first, end)                                                   \
  ({                                                                                                         \
    int hook_left = 1;                                                                                       \
    u32 hook_need = (hook)->need;                                                                            \
    (work)->dim = 0;                                                                                         \
    if ((hook)->dims && (hook)->dim[0].source != TRIGON_SRC_FIELD) hook_left = hook_process(at, hook_index); \
    HOOK_UNROLL for (u32 f = 0; f < TRIGON_MAX_FIELDS; f++) {                                                \
      if (f >= (end)) break;                                                                                 \
      if (f >= (first) && hook_left && (hook_need >> f & 1)) {                                               \
        HOOK_FIELD(f);                                                                                       \
        (work)->read |= 1u << f;                                                                             \
        hook_left = hook_dims(at, hook_index, f);                                                            \
      }                                                                                                      \
    }                                                                                                        \
    hook_left;                                                                                               \
  })

// Without bpf_loop: policies per event beyond this are neither reported nor acted on (match_overflow counts them).
#define HOOK_TAKES_UNROLLED 256

struct hook_take {
  u32 at;
  u32 hook_index;
};

static long hook_take_step(u32 i, struct hook_take *take) { return !take_next(take->at, take->hook_index); }

// What the selectors that are left want: work->actions, and their numbers in the event.
TRIGON_GLOBAL int hook_take_all(u32 at, u32 hook_index) {
  struct match_scratch *scratch = match_scratch(at);
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!scratch || !hook) return 0;
  struct match_work *work = &scratch->work;
  struct hook_take take = {.at = at, .hook_index = hook_index};
  work->next = 0;
  work->actions = 0;
  work->signal = 0;
  work->error = 0;
  work->track = 0;
  __builtin_memset(&work->sum, 0, sizeof(work->sum));
  scratch->event.matches = 0;
  // Each round decides a selector or passes a word.
  base_loop(TRIGON_MAX_SELECTORS + TRIGON_VEC_WORDS, HOOK_TAKES_UNROLLED, hook_take_step, &take);
  if (work->next < hook->words * 64u) {  // the rounds ran out
    struct trigon_counters *books = base_counters();
    if (books) base_count(&books->match_overflow);
  }
  return 0;
}

static __always_inline void hook_header(struct match_scratch *scratch, struct trigon_counters *counters) {
  struct trigon_hook_event *event = &scratch->event;
  u64 id = bpf_get_current_pid_tgid(), start_ns;
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
}

// Addresses of the stack as a part of the event.
static __always_inline void hook_stack(void *ctx, struct match_scratch *scratch, struct trigon_span *span, u64 flags) {
  u32 off = (scratch->work.used + 7) & ~7u;
  barrier_var(off);
  if (off > MATCH_EVENT_MAX) return;
  long n = bpf_get_stack(ctx, (void *)scratch + off, TRIGON_MAX_STACK * 8, flags);
  if (n <= 0 || n > TRIGON_MAX_STACK * 8) return;
  span->off = off;
  span->len = n;
  scratch->work.used = off + n;
}

// The tables of the slot in that generation; NULL: nobody uses the hook.
static __always_inline const struct trigon_hook *hook_tables(u32 slot, u32 generation, u32 *hook_index) {
  u32 index = (generation & 1) * TRIGON_MAX_HOOKS + slot;
  *hook_index = index;
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &index);
  return hook && hook->selectors ? hook : NULL;
}

// A scratch for an event that would be lost without: then it is counted.
static __always_inline u32 hook_claim(void) {
  u32 at = match_claim();
  if (at < MATCH_SCRATCHES) return at;
  struct trigon_counters *counters = base_counters();
  if (!counters) return at;
  base_count(&counters->scratch_busy);
  base_count(&counters->produced[TRIGON_REC_HOOK]);
  emit_lost(counters, TRIGON_REC_HOOK);
  return at;
}

// Claims a scratch for an event. MATCH_SCRATCHES: it is the agent itself that came by, or there is none, and the event
// is counted as lost.
static __always_inline u32 hook_begin(u32 generation) {
  if (bpf_get_current_pid_tgid() >> 32 == run_control.self_pid) return MATCH_SCRATCHES;
  u32 at = hook_claim();
  if (at >= MATCH_SCRATCHES) return MATCH_SCRATCHES;
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return MATCH_SCRATCHES;
  struct match_work *work = &scratch->work;
  work->generation = generation;
  work->parity = generation & 1;
  work->has_state = 0;
  work->read = 0;
  work->phase = 0;
  work->registers = 0;
  return at;
}

// The selectors that the hook has, as far as nobody has decided.
static __always_inline int hook_all(struct match_work *work, const struct trigon_hook *hook) {
  const struct trigon_vector *all = classify_vector(work->parity, hook->all);
  u32 words = hook->words;
  if (!all) return 0;
  for (u32 i = 0; i < TRIGON_VEC_WORDS; i++) {
    if (i >= words) break;
    work->vector.word[i] = all->word[i];
  }
  return 1;
}

// Writes the event: what was not read for matching is read now.
#define hook_post(ctx, at, scratch, slot_, possible)                       \
  do {                                                                     \
    struct trigon_counters *hook_books = base_counters();                  \
    struct trigon_hook_event *hook_event = &(scratch)->event;              \
    if (!hook_books) break;                                                \
    if (emit_ring_busy()) {                                                \
      base_count(&hook_books->produced[TRIGON_REC_HOOK]);                  \
      emit_lost(hook_books, TRIGON_REC_HOOK);                              \
      break;                                                               \
    }                                                                      \
    hook_event->generation = (scratch)->work.generation;                   \
    hook_event->hook = slot_;                                              \
    if ((possible) & (scratch)->work.actions & TRIGON_ACT_KSTACK)          \
      hook_stack(ctx, scratch, &hook_event->kernel_stack, 0);              \
    if ((possible) & (scratch)->work.actions & TRIGON_ACT_USTACK)          \
      hook_stack(ctx, scratch, &hook_event->user_stack, BPF_F_USER_STACK); \
    hook_header(scratch, hook_books);                                      \
    if (run_control.track_active) track_attribute(at);                     \
    u32 hook_used = (scratch)->work.used;                                  \
    barrier_var(hook_used);                                                \
    if (hook_used > sizeof(*(scratch))) break;                             \
    emit_output(&hook_event->rec, hook_books, hook_used);                  \
  } while (0)

// Fields that nobody compared, and texts of paths.
#define hook_read_rest(at, work, first, end)                  \
  do {                                                        \
    HOOK_UNROLL for (u32 f = 0; f < TRIGON_MAX_FIELDS; f++) { \
      if (f >= (end)) break;                                  \
      if (f >= (first)) {                                     \
        if (!((work)->read >> f & 1)) HOOK_FIELD(f);          \
        if (HOOK_IS_PATH(f)) fields_text(at, f);              \
      }                                                       \
    }                                                         \
  } while (0)

#endif
