// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// From the vector that is left to what its selectors want: first match wins within a hook entry of a policy.
#ifndef TRIGON_LIB_MATCH_TAKE_H
#define TRIGON_LIB_MATCH_TAKE_H

#include "bpf/lib/base/config.h"
#include "bpf/lib/base/counters.h"
#include "bpf/lib/match/scratch.h"

// Number of the lowest set bit; BPF has no such instruction.
static __always_inline u32 take_lowest_bit(u64 word) {
  u32 n = 0;
  if (!(word & 0xffffffff)) n += 32, word >>= 32;
  if (!(word & 0xffff)) n += 16, word >>= 16;
  if (!(word & 0xff)) n += 8, word >>= 8;
  if (!(word & 0xf)) n += 4, word >>= 4;
  if (!(word & 0x3)) n += 2, word >>= 2;
  if (!(word & 0x1)) n += 1;
  return n;
}

#define TAKE_ENFORCING (TRIGON_ACT_SIGNAL | TRIGON_ACT_OVERRIDE | TRIGON_ACT_NOTIFY | TRIGON_ACT_SET)

static __always_inline bool take_monitored(u32 policy) {
  struct trigon_policy_state *state = bpf_map_lookup_elem(&tri_policies, &policy);
  return !state || state->monitor;
}

// What one selector enforces, unless its policy only monitors.
static __always_inline void take_enforcing(struct match_work *work, struct trigon_hook_event *event,
                                           const struct trigon_selector *selector,
                                           struct trigon_selector_stats *stats) {
  u32 actions = selector->actions & TAKE_ENFORCING;
  if (!actions) return;
  if (take_monitored(selector->policy)) {
    event->flags |= TRIGON_HOOK_MONITORED;
    if (stats) base_count(&stats->monitored);
    return;
  }
  work->actions |= actions;
  if (actions & TRIGON_ACT_SIGNAL) {
    if (work->signal != 9) work->signal = selector->signal;  // SIGKILL is the strongest answer
    if (stats) base_count(&stats->signals);
  }
  if (actions & TRIGON_ACT_OVERRIDE) {
    if (!work->error) work->error = selector->error;  // the first policy's, as security modules are asked in order
    if (stats) base_count(&stats->overrides);
  }
  if (actions & TRIGON_ACT_NOTIFY) {
    work->notify_error = selector->error;
    work->notify_signal = selector->signal;
  }
}

// Notes what the next selector of the vector wants. One word or selector a call. Returns 0 when there is none.
TRIGON_GLOBAL int take_next(u32 at, u32 hook_index) {
  struct match_scratch *scratch = match_scratch(at);
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!scratch || !hook) return 0;
  struct match_work *work = &scratch->work;
  struct trigon_hook_event *event = &scratch->event;
  // The first word with a selector that is not decided yet.
  u32 w = work->next / 64;
  if (w >= TRIGON_VEC_WORDS || w >= hook->words) return 0;
  u64 word = work->vector.word[w] & (~0ULL << (work->next & 63));
  if (!word) {
    work->next = (w + 1) * 64;
    return 1;
  }
  u32 number = w * 64 + take_lowest_bit(word);
  u32 index = work->parity * TRIGON_MAX_SELECTOR_META + ((hook->sel_base + number) & (TRIGON_MAX_SELECTOR_META - 1));
  const struct trigon_selector *selector = bpf_map_lookup_elem(&tri_selectors, &index);
  struct trigon_selector_stats *stats = bpf_map_lookup_elem(&tri_stats, &index);
  if (!selector) return 0;
  // Strictly forward, whatever the table says: this bounds the loop that calls.
  work->next = selector->spec_end > number ? selector->spec_end : number + 1;
  u32 actions = selector->actions;
  if (stats) base_count(&stats->matches);
  take_enforcing(work, event, selector, stats);
  work->actions |= actions & ~TAKE_ENFORCING;
  if (actions & (TRIGON_ACT_TRACK | TRIGON_ACT_UNTRACK)) work->track = selector->arg + 1;
  if (actions & TRIGON_ACT_SET) work->set_value = selector->value, work->set_arg = selector->arg;
  // Who decides at the return.
  if (actions & TRIGON_ACT_RETURN) work->sum.word[w] |= 1ULL << (number & 63);
  if (!(actions & (TRIGON_ACT_POST | TRIGON_ACT_USER))) return 1;
  u16 n = event->matches;
  if (n < TRIGON_MAX_MATCHES) {
    event->match[n] = number;
    event->matches = n + 1;
    if (stats && (actions & TRIGON_ACT_POST)) base_count(&stats->posts);
  } else {
    struct trigon_counters *counters = base_counters();
    if (counters) base_count(&counters->match_overflow);
  }
  return 1;
}

#endif
