// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// rateLimit: an event with the same values is written once in an interval. The key is the selector, the scope and every
// value of the event (numbers, strings, addresses, whole structures), so that two different events never hide each
// other but for a collision of 64 bits.
#ifndef TRIGON_LIB_ACT_RATE_H
#define TRIGON_LIB_ACT_RATE_H

#include "bpf/lib/base/counters.h"
#include "bpf/lib/match/scratch.h"

struct rate_hash {
  u32 at;
  u32 used;
  u64 hash;
};

static __always_inline u64 rate_mix(u64 hash, u64 value) {
  // The multiplier of FNV-1a (64 bits); the rotation brings high bits down.
  hash = (hash ^ value) * 0x100000001b3ULL;
  return hash << 29 | hash >> 35;
}

// Eight words at a time; `from` is the offset of the first.
TRIGON_GLOBAL u64 rate_hash_words(u32 at, u32 from, u64 hash) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return hash;
  for (u32 i = 0; i < 8; i++) {
    u32 off = from + i * 8;
    if (off >= scratch->work.used) break;
    barrier_var(off);
    if (off > sizeof(*scratch) - 8) break;
    hash = rate_mix(hash, *(u64 *)((void *)scratch + off));
  }
  return hash;
}

static long rate_hash_step(u32 i, struct rate_hash *hash) {
  u32 from = sizeof(struct trigon_hook_event) + i * 64;
  if (from >= hash->used) return 1;
  hash->hash = rate_hash_words(hash->at, from, hash->hash);
  return 0;
}

// Of all data that the fields have (behind the event's head), and their numbers.
TRIGON_GLOBAL u64 rate_hash_event(u32 at) {
  struct match_scratch *scratch = match_scratch(at);
  struct rate_hash hash = {.at = at, .hash = 0xcbf29ce484222325ULL};
  if (!scratch) return 0;
  u32 end = scratch->work.used;
  hash.used = end;
  // Bytes behind the last one are of an older event.
  barrier_var(end);
  if (end <= MATCH_EVENT_MAX) *(u64 *)((void *)scratch + end) = 0;
  for (u32 i = 0; i < TRIGON_MAX_FIELDS; i++) {
    if (i >= scratch->event.fields) break;
    const struct trigon_field *field = &scratch->event.field[i];
    // The value of a pointer is an address: of the same file opened twice there are two.
    if (!field->data.off) hash.hash = rate_mix(hash.hash, field->value);
    hash.hash = rate_mix(hash.hash, field->flags | field->data.len << 8);
  }
  base_loop(MATCH_EVENT_MAX / 64 + 1, MATCH_EVENT_MAX / 64 + 1, rate_hash_step, &hash);
  return hash.hash;
}

// Takes selector i of the event out when it may not be written again yet. Returns 1 when it stays.
TRIGON_GLOBAL int rate_allows(u32 at, u32 sel_base, u32 number, u64 hash) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return 1;
  struct match_work *work = &scratch->work;
  u32 index = work->parity * TRIGON_MAX_SELECTOR_META + ((sel_base + number) & (TRIGON_MAX_SELECTOR_META - 1));
  const struct trigon_selector *selector = bpf_map_lookup_elem(&tri_selectors, &index);
  if (!selector || !(selector->actions & TRIGON_ACT_RATE)) return 1;
  u64 id = bpf_get_current_pid_tgid(), now = bpf_ktime_get_boot_ns();
  struct base_rate_key key = {.hash = hash, .selector = index};
  key.scope = selector->rate_scope == TRIGON_RATE_THREAD    ? (u32)id
              : selector->rate_scope == TRIGON_RATE_PROCESS ? (u32)(id >> 32)
                                                            : 0;
  u64 *last = bpf_map_lookup_elem(&tri_rates, &key);
  if (last && now - *last < selector->rate_ns) {
    struct trigon_selector_stats *stats = bpf_map_lookup_elem(&tri_stats, &index);
    struct trigon_counters *counters = base_counters();
    if (stats) {
      base_count(&stats->limited);
      __sync_fetch_and_add(&stats->posts, -1);
    }
    if (counters) base_count(&counters->rate_limited);
    return 0;
  }
  bpf_map_update_elem(&tri_rates, &key, &now, BPF_ANY);
  return 1;
}

// Keeps or takes out selector i of the event. 1: there are no more. Global: it is called many times in a row.
TRIGON_GLOBAL int rate_filter_one(u32 at, u32 sel_base, u64 hash, u32 i) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch || i >= TRIGON_MAX_MATCHES || i >= scratch->event.matches) return 1;
  u16 number = scratch->event.match[i];
  if (!rate_allows(at, sel_base, number, hash)) return 0;
  u32 kept = scratch->work.kept;
  barrier_var(kept);
  if (kept >= TRIGON_MAX_MATCHES) return 1;
  scratch->event.match[kept] = number;
  scratch->work.kept = kept + 1;
  return 0;
}

struct rate_filter {
  u64 hash;
  u32 at;
  u32 sel_base;
};

static long rate_filter_step(u32 i, struct rate_filter *filter) {
  return rate_filter_one(filter->at, filter->sel_base, filter->hash, i) ? 1 : 0;
}

// Selectors of the event that may be written; 0: none.
TRIGON_GLOBAL int rate_filter(u32 at, u32 sel_base) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  struct rate_filter filter = {.hash = rate_hash_event(at), .at = at, .sel_base = sel_base};
  work->kept = 0;
  base_loop(TRIGON_MAX_MATCHES, TRIGON_MAX_MATCHES, rate_filter_step, &filter);
  scratch->event.matches = work->kept;
  return work->kept;
}

#endif
