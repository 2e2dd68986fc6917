// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Working memory of a hook event. Programs nest on a CPU: an interrupt, or (where only migration is off while a program
// runs) another task. Each run claims one of a few scratches; an event for which none is free is counted as lost.
//
// Global functions take numbers only, so what travels between them is the claimed index `at`.
#ifndef TRIGON_LIB_MATCH_SCRATCH_H
#define TRIGON_LIB_MATCH_SCRATCH_H

#include "bpf/abi/policy.h"
#include "bpf/abi/record.h"
#include "bpf/lib/base/maps.h"
#include "bpf/lib/read/path.h"

// Bytes for the data of all fields: three strings of full length. What does not fit is cut and flagged.
#define MATCH_DATA_MAX (3 * TRIGON_MAX_PATH)
#define MATCH_EVENT_MAX (sizeof(struct trigon_hook_event) + MATCH_DATA_MAX)

// A task, a softirq, a hard interrupt and a fault in one of them.
#define MATCH_SCRATCHES 4

struct match_work {
  u64 arg[TRIGON_MAX_ARGS_IN_WORK];
  u64 result;     // return value, in the return phase
  u64 registers;  // address of pt_regs, 0: none; of a classic tracepoint its record
  u32 used;       // bytes of the event so far, header included
  u32 parity;     // of the generation that this event uses
  u32 generation;
  u32 has_state;
  struct trigon_task_state state;
  struct trigon_vector vector;  // selectors that are left
  struct trigon_vector sum;     // of one mask or substring dimension
  u32 actions;                  // of the selectors that matched
  u32 next;                     // selectors below this number have been decided
  u16 signal;
  s16 error;
  u16 notify_signal;
  s16 notify_error;
  u32 track;  // 1 + field of the sock to be tracked
  u32 dim;    // next dimension to evaluate
  u32 read;   // bit per field that has been read
  u32 phase;  // 0 entry, 1 return
  u32 ima;    // 1 + field of the file
  // Where a path begins. Through memory: the verifier takes them for the numbers that they are, which is all that a
  // global function can be given.
  volatile u64 dentry, mnt;
  struct base_file_key file_key;  // here and not on the stack, which all functions of a chain share
  struct base_file file_now;
  struct read_path_walk walk;
  u32 path_off, path_len, path_flags;
  u32 class, class_post;                                        // of the path that was looked up last
  u32 class_of[TRIGON_MAX_FIELDS], post_of[TRIGON_MAX_FIELDS];  // of path fields
  u32 mode;                                                     // i_mode of it
  // of the string that is being reversed, cut into pieces or searched
  u32 bytes_off, bytes_len, at_byte, automaton;
  u32 set_value, set_arg;
  u32 kept;  // selectors of the event that rateLimit lets pass
  u32 pad;
  struct trigon_prefix_key key;
  char path[2 * TRIGON_MAX_PATH];  // built backwards from the middle, where the NUL lies
};

struct match_scratch {
  struct trigon_hook_event event;
  char data[MATCH_DATA_MAX + TRIGON_MAX_PATH];  // a write may start at the bound
  struct match_work work;
};

// Per-CPU values are limited to 32 KiB (PCPU_MIN_UNIT_SIZE).
_Static_assert(sizeof(struct match_scratch) <= 32768, "one per-CPU value");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, MATCH_SCRATCHES);
  __type(key, u32);
  __type(value, struct match_scratch);
} tri_event TRIGON_MAP;

struct match_claims {
  u32 busy[MATCH_SCRATCHES];
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct match_claims);
} tri_claims TRIGON_MAP;

static __always_inline struct match_scratch *match_scratch(u32 at) { return bpf_map_lookup_elem(&tri_event, &at); }

// Index of a free scratch; MATCH_SCRATCHES: there is none.
static __always_inline u32 match_claim(void) {
  u32 zero = 0;
  struct match_claims *claims = bpf_map_lookup_elem(&tri_claims, &zero);
  if (!claims) return MATCH_SCRATCHES;
#ifdef TRIGON_UNROLLED
  // No atomic that answers before 5.12; and interrupts, which nest like a stack, are all that nests on kernels that do
  // not preempt. On those before 5.17 that do (PREEMPT, rare) two events may be mixed up.
  u32 at = claims->busy[0];
  if (at >= MATCH_SCRATCHES) return MATCH_SCRATCHES;
  claims->busy[0] = at + 1;
  return at;
#else
  for (u32 i = 0; i < MATCH_SCRATCHES; i++) {
    if (__sync_fetch_and_add(&claims->busy[i], 1) == 0) return i;
    __sync_fetch_and_add(&claims->busy[i], -1);
  }
  return MATCH_SCRATCHES;
#endif
}

static __always_inline void match_release(u32 at) {
  u32 zero = 0;
  struct match_claims *claims = bpf_map_lookup_elem(&tri_claims, &zero);
  if (!claims) return;
#ifdef TRIGON_UNROLLED
  if (claims->busy[0]) claims->busy[0]--;
#else
  __sync_fetch_and_add(&claims->busy[at & (MATCH_SCRATCHES - 1)], -1);
#endif
}

#endif
