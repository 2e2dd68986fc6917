// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Per-CPU working memory of a hook event. Programs of system call tracepoints run with preemption off and do not nest
// (the kernel counts a nested run as a recursion miss: `skipped` in the agent's last line,
// trigon_program_misses_total).
#ifndef TRIGON_LIB_MATCH_SCRATCH_H
#define TRIGON_LIB_MATCH_SCRATCH_H

#include "bpf/abi/policy.h"
#include "bpf/abi/record.h"
#include "bpf/lib/base/maps.h"
#include "bpf/lib/read/path.h"

// Bytes for the data of all fields: four strings of full length. What does not fit is cut and flagged.
#define MATCH_DATA_MAX (4 * TRIGON_MAX_PATH)
#define MATCH_EVENT_MAX (sizeof(struct trigon_hook_event) + MATCH_DATA_MAX)

struct match_work {
  u64 arg[8];  // registers 0…5; eight, so that a masked index is in bounds
  u32 used;    // bytes of the event so far, header included
  u32 parity;  // of the generation that this event uses
  u32 hook;    // index in tri_hooks
  u32 has_state;
  u32 generation;  // that this event uses
  u32 pad;
  struct trigon_task_state state;
  struct trigon_vector vector;  // selectors that are left
  struct trigon_vector sum;     // of one mask dimension
  u16 actions;                  // of the selectors that matched
  u16 signal;
  u32 next;  // selectors below this number have been decided
  struct read_path_walk walk;
  u32 path_off, path_len, path_flags;
  u32 dim;                        // next dimension to evaluate
  u32 reverse_last, reverse_len;  // of the string that is being reversed
  struct trigon_prefix_key key;
  char path[2 * TRIGON_MAX_PATH];  // built backwards from the middle, where the NUL lies
};

struct match_scratch {
  struct trigon_hook_event event;
  char data[MATCH_DATA_MAX + TRIGON_MAX_PATH];  // a write may start at the bound
  struct match_work work;
};

// One map and one look-up for all of it. Per-CPU values are limited to 32 KiB (PCPU_MIN_UNIT_SIZE).
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct match_scratch);
} tri_event TRIGON_MAP;

static __always_inline struct match_scratch *match_scratch(void) {
  u32 zero = 0;
  return bpf_map_lookup_elem(&tri_event, &zero);
}

#endif
