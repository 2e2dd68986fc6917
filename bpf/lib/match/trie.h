// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Strings in the longest-prefix trie. A string is named by where it lies in the scratch. Values longer than a trie's
// key lead from piece to piece (struct trigon_prefix_value).
#ifndef TRIGON_LIB_MATCH_TRIE_H
#define TRIGON_LIB_MATCH_TRIE_H

#include "bpf/lib/match/scratch.h"

// Where the bytes of a string may begin, so that any piece of it lies inside.
#define TRIE_LAST (sizeof(struct match_scratch) - TRIGON_MAX_PATH)

// One look-up of work->key, `len` bytes. The result; `next` is where to look on.
static __always_inline u32 trie_step(struct match_work *work, u32 len, u32 dim, u32 *next) {
  work->key.prefixlen = 32 + 8 * len;
  work->key.dim = dim;
  struct trigon_prefix_value *found = bpf_map_lookup_elem(&tri_prefixes, &work->key);
  if (!found) {
    *next = 0;
    return 0;
  }
  *next = found->next;
  return found->result;
}

// [off, off + len), the NUL behind it counted: exact values end in one.
TRIGON_GLOBAL u32 trie_piece(u32 at, u32 off, u32 len, u32 dim) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  u32 next = 0, n = len;
  if (n > TRIGON_TRIE_CHUNK) n = TRIGON_TRIE_CHUNK;
  work->automaton = 0;
  barrier_var(off);
  if (off > sizeof(*scratch) - TRIGON_TRIE_CHUNK) return 0;
  barrier_var(n);
  if (n > TRIGON_TRIE_CHUNK) return 0;
  if (bpf_probe_read_kernel(work->key.data, n, (void *)scratch + off)) return 0;
  u32 result = trie_step(work, n, dim, &next);
  if (len > TRIGON_TRIE_CHUNK) work->automaton = next;
  return result;
}

// The same from the end: bytes off + len - 1 downwards, eight at a time.
TRIGON_GLOBAL u32 trie_piece_reversed(u32 at, u32 off, u32 len, u32 dim) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  u32 next = 0, n = len, end = off + len;
  if (n > TRIGON_TRIE_CHUNK) n = TRIGON_TRIE_CHUNK;
  work->automaton = 0;
  for (u32 i = 0; i < TRIGON_TRIE_CHUNK; i += 8) {
    if (i >= n) break;
    u32 from = end - 8 - i;
    barrier_var(from);
    // Never before the scratch: every string lies behind the event's head.
    if (from > sizeof(*scratch) - 8) return 0;
    *(u64 *)&work->key.data[i] = __builtin_bswap64(*(u64 *)((void *)scratch + from));
  }
  // The end of the value is marked, as in the other direction: "ends with" of the whole string is equality.
  if (len < TRIGON_TRIE_CHUNK) {
    barrier_var(n);
    if (n >= TRIGON_TRIE_CHUNK) return 0;
    work->key.data[n] = 0;
    n++;
  }
  u32 result = trie_step(work, n, dim, &next);
  if (len > TRIGON_TRIE_CHUNK) work->automaton = next;
  return result;
}

struct trie_walk {
  u32 at, off, len, dim, result, reversed;
};

static long trie_walk_step(u32 i, struct trie_walk *walk) {
  struct match_scratch *scratch = match_scratch(walk->at);
  if (!scratch) return 1;
  u32 next = scratch->work.automaton, found;
  if (!next || walk->len <= TRIGON_TRIE_CHUNK) return 1;
  walk->len -= TRIGON_TRIE_CHUNK;
  if (walk->reversed) {
    found = trie_piece_reversed(walk->at, walk->off, walk->len, next);
  } else {
    walk->off += TRIGON_TRIE_CHUNK;
    found = trie_piece(walk->at, walk->off, walk->len, next);
  }
  if (found) walk->result = found;
  return 0;
}

TRIGON_GLOBAL u32 trie_walk_on(u32 at, u32 off, u32 len, u32 dim, u32 reversed) {
  struct trie_walk walk = {.at = at, .off = off, .len = len, .dim = dim, .reversed = reversed};
  base_loop(TRIGON_MAX_CHUNKS, TRIGON_MAX_CHUNKS, trie_walk_step, &walk);
  return walk.result;
}

// What the string's longest entry says; 0: nothing found.
static __always_inline u32 trie_find(u32 at, u32 off, u32 len, u32 dim) {
  u32 result = trie_piece(at, off, len + 1, dim);
  if (len + 1 > TRIGON_TRIE_CHUNK) {
    u32 longer = trie_walk_on(at, off, len + 1, dim, 0);
    if (longer) result = longer;
  }
  return result;
}

static __always_inline u32 trie_find_reversed(u32 at, u32 off, u32 len, u32 dim) {
  u32 result = trie_piece_reversed(at, off, len, dim);
  if (len > TRIGON_TRIE_CHUNK) {
    u32 longer = trie_walk_on(at, off, len, dim, 1);
    if (longer) result = longer;
  }
  return result;
}

#endif
