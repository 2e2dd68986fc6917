// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The bit-vector engine (bpf/abi/policy.h): a value of a dimension leads to the selectors that accept it, and the
// event's vector is the AND of them. Nothing here knows which kind of hook it serves.
//
// Functions that a loop calls are global: 5.10 and later verify them once, by themselves, and not once per iteration.
#ifndef TRIGON_LIB_MATCH_CLASSIFY_H
#define TRIGON_LIB_MATCH_CLASSIFY_H

#include "bpf/lib/match/path.h"
#include "bpf/lib/match/state.h"

// Looks bytes [off, off + len) of the event (or of work->path) up in tri_prefixes. 0: nothing.
static __always_inline u32 classify_trie(struct match_work *work, const void *bytes, u32 len, u32 dim) {
  len++;  // the NUL behind it: exact values end in one
  if (len > TRIGON_LPM_BYTES) len = TRIGON_LPM_BYTES;
  barrier_var(len);
  if (len > TRIGON_LPM_BYTES) return 0;
  if (bpf_probe_read_kernel(work->key.data, len, bytes)) return 0;
  work->key.prefixlen = 32 + 8 * len;
  work->key.dim = dim;
  u32 *found = bpf_map_lookup_elem(&tri_prefixes, &work->key);
  return found ? *found : 0;
}

struct classify_reverse {
  struct match_work *work;
  const char *bytes;
  u32 size;  // of the memory behind `bytes`
};

static long classify_reverse_step(u32 i, struct classify_reverse *reverse) {
  struct match_work *work = reverse->work;
  u32 at = work->reverse_last - i, size = reverse->size;
  if (i >= work->reverse_len || i >= TRIGON_MAX_STRING_VALUE) return 1;
  barrier_var(at);
  if (size == sizeof(work->path)) {
    if (at >= sizeof(work->path)) return 1;
  } else if (at >= sizeof(struct match_scratch)) {
    return 1;
  }
  work->key.data[i] = reverse->bytes[at];
  return 0;
}

// The same for the reversed bytes: [bytes + off + len) downwards. `size` bounds bytes.
static __always_inline u32 classify_trie_reversed(struct match_work *work, const char *bytes, u32 off, u32 len,
                                                  const u32 size, u32 dim) {
  struct classify_reverse reverse = {.work = work, .bytes = bytes, .size = size};
  u32 n = len;
  if (n > TRIGON_MAX_STRING_VALUE) n = TRIGON_MAX_STRING_VALUE;
  work->reverse_last = off + len - 1;
  work->reverse_len = n;
  base_loop(TRIGON_MAX_STRING_VALUE, TRIGON_MAX_STRING_VALUE, classify_reverse_step, &reverse);
  barrier_var(n);
  if (n > TRIGON_MAX_STRING_VALUE) return 0;
  work->key.data[n] = 0;
  work->key.prefixlen = 32 + 8 * (n + (len <= TRIGON_MAX_STRING_VALUE));
  work->key.dim = dim;
  u32 *found = bpf_map_lookup_elem(&tri_prefixes, &work->key);
  return found ? *found : 0;
}

// Fills work->state for the current process: from its storage when that is of this generation, else computed and kept.
TRIGON_GLOBAL int classify_process(u32 parity) {
  struct match_scratch *scratch = match_scratch();
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  if (work->has_state) return 0;
  work->has_state = 1;
  u32 generation = work->generation;
  struct task_struct *leader;
  u64 start_ns;
  u32 pid = bpf_get_current_pid_tgid() >> 32;
  if (cfg_task_storage) {
    leader = bpf_get_current_task_btf()->group_leader;
    start_ns = leader->start_boottime;
  } else {
    leader = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), group_leader);
    start_ns = BPF_CORE_READ(leader, start_boottime);
  }
  struct trigon_task_state *state = state_find(leader, pid, start_ns);
  if (state && state->generation == generation) {
    work->state = *state;
    return 0;
  }
  struct trigon_task_state value = {};
  value.generation = generation;
  value.start_ns = start_ns;
  value.known = run_control.follow_epoch;
  if (run_control.follow_active) {
    value.follow = state && state->known == value.known ? state->follow : state_follow_kept(state);
    value.follow |= state_follow_search(base_address(leader));
  }
  u32 dim = run_control.binary_dim[parity & 1];
  if (dim) {
    struct file *exe = BPF_CORE_READ(leader, mm, exe_file);
    // A leader that has exited has no memory; its threads do.
    if (!exe) exe = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), mm, exe_file);
    if (exe && !match_file_path((u64)exe)) {
      u32 off = work->path_off, len = work->path_len;
      if (off < TRIGON_MAX_PATH) {
        value.binary = classify_trie(work, &work->path[off], len, dim);
        value.binary_post = classify_trie_reversed(work, work->path, off, len, sizeof(work->path), dim + 1);
      }
    }
  }
  work->state = value;
  state_store(leader, pid, &value);
  return 0;
}

// Whether the current process belongs to `trigon trace -- command`. The storage answers for most events.
static __always_inline int classify_traced(struct match_work *work, u32 parity) {
  if (cfg_task_storage) {
    struct trigon_task_state *state = bpf_task_storage_get(&tri_task, bpf_get_current_task_btf()->group_leader, 0, 0);
    if (state && state->generation == work->generation) return (state->follow >> TRIGON_FOLLOW_TRACE) & 1;
  }
  classify_process(parity);
  return (work->state.follow >> TRIGON_FOLLOW_TRACE) & 1;
}

static __always_inline u32 classify_number(u32 dim, u64 value, u32 otherwise) {
  struct trigon_number_key key = {.dim = dim, .value = value};
  u32 *found = bpf_map_lookup_elem(&tri_numbers, &key);
  return found ? *found : otherwise;
}

static __always_inline u32 classify_range(u32 dim, u64 value, u32 otherwise) {
  struct trigon_range_key key = {.prefixlen = 32 + 64, .dim = dim};
  u64 big = __builtin_bswap64(value);
  __builtin_memcpy(key.value, &big, 8);
  u32 *found = bpf_map_lookup_elem(&tri_ranges, &key);
  return found ? *found : otherwise;
}

static __always_inline const struct trigon_vector *classify_vector(u32 parity, u32 number) {
  u32 index = (parity & 1) * TRIGON_MAX_VECTORS + (number & (TRIGON_MAX_VECTORS - 1));
  return bpf_map_lookup_elem(&tri_vectors, &index);
}

TRIGON_GLOBAL int classify_or(u32 parity, u32 number) {
  struct match_scratch *scratch = match_scratch();
  const struct trigon_vector *vector = classify_vector(parity, number);
  if (!scratch || !vector) return 0;
  struct match_work *work = &scratch->work;
  for (u32 i = 0; i < TRIGON_VEC_WORDS; i++) work->sum.word[i] |= vector->word[i];
  return 0;
}

static __always_inline int classify_and(struct match_work *work, u32 number, u32 words) {
  const struct trigon_vector *vector = classify_vector(work->parity, number);
  u64 any = 0;
  if (!vector) return 0;
  for (u32 i = 0; i < TRIGON_VEC_WORDS; i++) {
    if (i >= words) break;
    any |= work->vector.word[i] &= vector->word[i];
  }
  return any != 0;
}

struct classify_mask_step {
  u64 bits;
  u32 dim;
  u32 parity;
};

static long classify_mask_step(u32 bit, struct classify_mask_step *step) {
  u64 rest = step->bits >> (bit & 63);
  if (!rest) return 1;
  if (rest & 1) {
    u32 number = classify_number(step->dim, bit, 0);
    if (number) classify_or(step->parity, number);
  }
  return 0;
}

// The OR over the value's bits; they are few, and a policy's masks name fewer still.
TRIGON_GLOBAL int classify_mask(u32 dim, u64 bits, u32 otherwise, u32 words) {
  struct match_scratch *scratch = match_scratch();
  u64 any = 0;
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  struct classify_mask_step step = {.bits = bits, .dim = dim, .parity = work->parity};
  __builtin_memset(&work->sum, 0, sizeof(work->sum));
  classify_or(work->parity, otherwise);
  base_loop(64, 64, classify_mask_step, &step);
  for (u32 i = 0; i < TRIGON_VEC_WORDS; i++) {
    if (i >= words) break;
    any |= work->vector.word[i] &= work->sum.word[i];
  }
  return any != 0;
}

// ANDs one dimension into work->vector; returns 0 when no selector is left.
TRIGON_GLOBAL int classify_dim(u32 hook_index, u32 dim_index) {
  struct match_scratch *scratch = match_scratch();
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!scratch || !hook || dim_index >= TRIGON_MAX_DIMS) return 0;
  struct match_work *work = &scratch->work;
  const struct trigon_dim *dim = &hook->dim[dim_index];
  const struct trigon_field *field = &scratch->event.field[dim->field & (TRIGON_MAX_FIELDS - 1)];
  u32 parity = work->parity, number = dim->dflt, words = hook->words;
  u64 value = 0;

  switch (dim->source) {
    case TRIGON_SRC_FIELD:
      value = field->value;
      break;
    case TRIGON_SRC_PID:
      value = bpf_get_current_pid_tgid() >> 32;
      break;
    case TRIGON_SRC_NS_PID:
      value = state_ns_pid(BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), group_leader));
      break;
    case TRIGON_SRC_FOLLOW:
      classify_process(parity);
      value = work->state.follow;
      break;
    case TRIGON_SRC_BINARY:
      classify_process(parity);
      value = work->state.binary;
      break;
    case TRIGON_SRC_BINARY_POST:
      classify_process(parity);
      value = work->state.binary_post;
      break;
  }

  u32 lookup = dim->lookup;
  if (dim->source == TRIGON_SRC_FIELD && (field->flags & TRIGON_FIELD_UNREADABLE)) {
    number = dim->unreadable;
    lookup = TRIGON_LOOKUPS;
  }
  switch (lookup) {
    case TRIGON_LOOKUP_EQ:
      number = classify_number(dim->dim, value, number);
      break;
    case TRIGON_LOOKUP_RANGE:
      number = classify_range(dim->dim, dim->flip ? value ^ (1ULL << 63) : value, number);
      break;
    case TRIGON_LOOKUP_MASK:
      return classify_mask(dim->dim, value & dim->mask, number, words);
    case TRIGON_LOOKUP_PREFIX:
    case TRIGON_LOOKUP_POSTFIX: {
      u32 off = field->data.off, len = field->data.len, found;
      if (off >= MATCH_EVENT_MAX) return 0;
      if (lookup == TRIGON_LOOKUP_PREFIX)
        found = classify_trie(work, (void *)scratch + off, len, dim->dim);
      else
        found = classify_trie_reversed(work, (void *)scratch, off, len, sizeof(*scratch), dim->dim);
      if (found) number = found;
      break;
    }
  }
  return classify_and(work, number, words);
}

// Number of the lowest set bit; BPF has no such instruction.
static __always_inline u32 classify_lowest_bit(u64 word) {
  u32 n = 0;
  if (!(word & 0xffffffff)) n += 32, word >>= 32;
  if (!(word & 0xffff)) n += 16, word >>= 16;
  if (!(word & 0xff)) n += 8, word >>= 8;
  if (!(word & 0xf)) n += 4, word >>= 4;
  if (!(word & 0x3)) n += 2, word >>= 2;
  if (!(word & 0x1)) n += 1;
  return n;
}

// Notes what the next selector of the vector wants: first match wins within its hook entry. One word or selector a
// call. Returns 0 when there is none.
TRIGON_GLOBAL int classify_take(u32 hook_index) {
  struct match_scratch *scratch = match_scratch();
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!scratch || !hook) return 0;
  struct match_work *work = &scratch->work;
  // The first word with a selector that is not decided yet.
  u32 w = work->next / 64;
  if (w >= TRIGON_VEC_WORDS || w >= hook->words) return 0;
  u64 word = work->vector.word[w] & (~0ULL << (work->next & 63));
  if (!word) {
    work->next = (w + 1) * 64;
    return 1;
  }
  u32 number = w * 64 + classify_lowest_bit(word);
  u32 index = work->parity * TRIGON_MAX_SELECTOR_META + ((hook->sel_base + number) & (TRIGON_MAX_SELECTOR_META - 1));
  const struct trigon_selector *selector = bpf_map_lookup_elem(&tri_selectors, &index);
  if (!selector) return 0;
  // Strictly forward, whatever the table says: this bounds the loop that calls.
  work->next = selector->spec_end > number ? selector->spec_end : number + 1;
  if ((selector->actions & TRIGON_ACT_SIGNAL) && !(selector->actions & TRIGON_ACT_MONITOR)) {
    work->actions |= TRIGON_ACT_SIGNAL;
    if (work->signal != 9) work->signal = selector->signal;  // SIGKILL is the strongest answer
  }
  if (selector->actions & TRIGON_ACT_POST) {
    work->actions |= TRIGON_ACT_POST;
    u16 n = scratch->event.matches;
    if (n < TRIGON_MAX_MATCHES) {
      scratch->event.match[n] = number;
      scratch->event.matches = n + 1;
    } else {
      struct trigon_counters *counters = base_counters();
      if (counters) base_count(&counters->match_overflow);
    }
  }
  return 1;
}

#endif
