// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Entries that wait for their return. The values of the entry lie in a pool, whose free places are a stack that user
// space fills; which place belongs to (thread, slot) is in a hash. A thread that dies inside the function leaves its
// place behind: user space looks for those (engine/pending.h).
#ifndef TRIGON_LIB_EMIT_PENDING_H
#define TRIGON_LIB_EMIT_PENDING_H

#include "bpf/lib/emit/ring.h"
#include "bpf/lib/match/scratch.h"

#define PENDING_PLACES 256
// A record's head and a path or two; longer data of an entry is cut (TRIGON_HOOK_ENTRY_LOST).
#define PENDING_EVENT_MAX 7680

struct pending {
  u64 arg[TRIGON_MAX_ARGS_IN_WORK];
  struct trigon_vector vector;
  u32 generation;
  u32 used;
  char event[PENDING_EVENT_MAX];
};

struct pending_key {
  u64 thread;
  u32 slot;
  u32 pad;
};

struct pending_place {
  u32 place;
  u32 pad;
  u64 time_ns;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, PENDING_PLACES);
  __type(key, u32);
  __type(value, struct pending);
} tri_pending TRIGON_MAP;

struct {
  __uint(type, BPF_MAP_TYPE_STACK);
  __uint(max_entries, PENDING_PLACES);
  __uint(value_size, 4);
} tri_pending_free TRIGON_MAP;

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, PENDING_PLACES);
  __type(key, struct pending_key);
  __type(value, struct pending_place);
} tri_pending_of TRIGON_MAP;

// System calls: which slot the thread's call waits in (a thread is in one call at a time).
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, PENDING_PLACES);
  __type(key, u64);
  __type(value, u32);
} tri_returning TRIGON_MAP;

// Puts the event of scratch `at` aside; work->sum are the selectors that the return phase decides on.
TRIGON_GLOBAL int pending_put(u32 at, u32 slot) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  struct pending_key key = {.thread = bpf_get_current_pid_tgid(), .slot = slot};
  struct pending_place where = {.time_ns = bpf_ktime_get_boot_ns()};
  struct pending_place *known = bpf_map_lookup_elem(&tri_pending_of, &key);
  if (known) {
    where.place = known->place;  // of a call that never returned, or that calls itself
  } else if (bpf_map_pop_elem(&tri_pending_free, &where.place)) {
    struct trigon_counters *counters = base_counters();
    if (!counters) return 0;
    base_count(&counters->pending_full);
    base_count(&counters->produced[TRIGON_REC_HOOK]);
    emit_lost(counters, TRIGON_REC_HOOK);
    return 0;
  }
  if (bpf_map_update_elem(&tri_pending_of, &key, &where, BPF_ANY)) {
    bpf_map_push_elem(&tri_pending_free, &where.place, BPF_ANY);
    return 0;
  }
  struct pending *pending = bpf_map_lookup_elem(&tri_pending, &where.place);
  if (!pending) return 0;
  u32 used = work->used;
  if (used > PENDING_EVENT_MAX) {
    used = PENDING_EVENT_MAX;
    scratch->event.flags |= TRIGON_HOOK_ENTRY_LOST;
    // What lies behind the cut has no place to point to.
    if (scratch->event.kernel_stack.off + scratch->event.kernel_stack.len > PENDING_EVENT_MAX)
      scratch->event.kernel_stack.len = 0;
    if (scratch->event.user_stack.off + scratch->event.user_stack.len > PENDING_EVENT_MAX)
      scratch->event.user_stack.len = 0;
    for (u32 i = 0; i < TRIGON_MAX_FIELDS; i++) {
      struct trigon_field *field = &scratch->event.field[i];
      if (i >= scratch->event.entry_fields) break;
      if (field->data.off + field->data.len <= PENDING_EVENT_MAX) continue;
      field->flags |= TRIGON_FIELD_TRUNCATED | TRIGON_FIELD_UNREADABLE;
      field->data.off = 0;
      field->data.len = 0;
    }
  }
  pending->generation = work->generation;
  pending->used = used;
  pending->vector = work->sum;
  for (u32 i = 0; i < TRIGON_MAX_ARGS_IN_WORK; i++) pending->arg[i] = work->arg[i];
  barrier_var(used);
  if (used > PENDING_EVENT_MAX) return 0;
  bpf_probe_read_kernel(pending->event, used, &scratch->event);
  return 1;
}

// Whether an entry of this thread waits: most returns have none, and need no scratch to find out.
static __always_inline bool pending_waits(u32 slot) {
  struct pending_key key = {.thread = bpf_get_current_pid_tgid(), .slot = slot};
  return bpf_map_lookup_elem(&tri_pending_of, &key) != NULL;
}

// Takes it back into scratch `at`. 0: nothing waits.
TRIGON_GLOBAL int pending_take(u32 at, u32 slot) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  struct pending_key key = {.thread = bpf_get_current_pid_tgid(), .slot = slot};
  struct pending_place *where = bpf_map_lookup_elem(&tri_pending_of, &key);
  if (!where) return 0;
  u32 place = where->place;
  struct pending *pending = bpf_map_lookup_elem(&tri_pending, &place);
  if (!pending) return 0;
  u32 used = pending->used;
  barrier_var(used);
  if (used > PENDING_EVENT_MAX) used = 0;
  bpf_probe_read_kernel(&scratch->event, used, pending->event);
  work->used = used;
  work->vector = pending->vector;
  work->phase = pending->generation == work->generation ? 1 : 2;
  work->generation = pending->generation;
  for (u32 i = 0; i < TRIGON_MAX_ARGS_IN_WORK; i++) work->arg[i] = pending->arg[i];
  bpf_map_delete_elem(&tri_pending_of, &key);
  bpf_map_push_elem(&tri_pending_free, &place, BPF_ANY);
  return 1;
}

#endif
