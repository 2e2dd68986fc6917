// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The bit-vector engine (bpf/abi/policy.h): a value of a dimension leads to the selectors that accept it, and the
// event's vector is the AND of them. Nothing here knows which kind of hook it serves.
//
// Functions that a loop calls are global: 5.10 and later verify them once, by themselves, and not once per iteration.
#ifndef TRIGON_LIB_MATCH_CLASSIFY_H
#define TRIGON_LIB_MATCH_CLASSIFY_H

#include "bpf/lib/match/file.h"
#include "bpf/lib/match/process.h"
#include "bpf/lib/match/state.h"

static __always_inline u32 classify_number(u32 dim, u64 value, u32 otherwise) {
  struct trigon_number_key key = {.dim = dim, .value = value};
  u32 *found = bpf_map_lookup_elem(&tri_numbers, &key);
  return found ? *found : otherwise;
}

// TRIGON_LOOKUP_EQ. Most values have no entry, and most of those are told by six bits.
static __always_inline u32 classify_equal(const struct trigon_dim *dim, u64 value) {
  if (!(dim->mask >> (value & 63) & 1)) return dim->dflt;
  return classify_number(dim->dim, value, dim->dflt);
}

static __always_inline const struct trigon_vector *classify_vector(u32 parity, u32 number) {
  u32 index = (parity & 1) * TRIGON_MAX_VECTORS + (number & (TRIGON_MAX_VECTORS - 1));
  return bpf_map_lookup_elem(&tri_vectors, &index);
}

TRIGON_GLOBAL int classify_or(u32 at, u32 number) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  const struct trigon_vector *vector = classify_vector(work->parity, number);
  if (!vector) return 0;
  for (u32 i = 0; i < TRIGON_VEC_WORDS; i++) work->sum.word[i] |= vector->word[i];
  return 0;
}

// Nobody: the answer of most events, known without looking at the vector.
static __always_inline int classify_and(struct match_work *work, u32 number, u32 words) {
  if (!number) return 0;
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
  u32 at;
};

static long classify_mask_step(u32 bit, struct classify_mask_step *step) {
  u64 rest = step->bits >> (bit & 63);
  if (!rest) return 1;
  if (rest & 1) {
    u32 number = classify_number(step->dim, bit, 0);
    if (number) classify_or(step->at, number);
  }
  return 0;
}

// The vectors of the value's bits; they are few, and a policy's masks name fewer still. MASK adds them to the default,
// NOMASK takes them from it.
TRIGON_GLOBAL int classify_mask(u32 at, u32 dim, u64 bits, u32 otherwise, u32 without) {
  struct match_scratch *scratch = match_scratch(at);
  u64 any = 0;
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  struct classify_mask_step step = {.bits = bits, .dim = dim, .at = at};
  __builtin_memset(&work->sum, 0, sizeof(work->sum));
  if (!without) classify_or(at, otherwise);
  base_loop(64, 64, classify_mask_step, &step);
  const struct trigon_vector *base = classify_vector(work->parity, otherwise);
  if (!base) return 0;
  for (u32 i = 0; i < TRIGON_VEC_WORDS; i++) {
    u64 word = without ? base->word[i] & ~work->sum.word[i] : work->sum.word[i];
    any |= work->vector.word[i] &= word;
  }
  return any != 0;
}

// See TRIGON_LOOKUP_EITHER.
TRIGON_GLOBAL int classify_either(u32 at, u32 by_path, u32 by_file, u32 extra) {
  struct match_scratch *scratch = match_scratch(at);
  u64 any = 0;
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  const struct trigon_vector *a = classify_vector(work->parity, by_path);
  const struct trigon_vector *b = classify_vector(work->parity, by_file);
  const struct trigon_vector *positive = classify_vector(work->parity, extra);
  if (!a || !b || !positive) return 0;
  for (u32 i = 0; i < TRIGON_VEC_WORDS; i++) {
    u64 word = (a->word[i] & b->word[i]) | ((a->word[i] | b->word[i]) & positive->word[i]);
    any |= work->vector.word[i] &= word;
  }
  return any != 0;
}

struct classify_search {
  u32 at;
  u32 dim;
  u32 lower;
};

// One step of the automaton: a byte is taken, or the state falls back and the byte stays. 1: done. Global, because it
// is written out many times where there is no bpf_loop.
TRIGON_GLOBAL int classify_search_one(u32 at, u32 dim, u32 lower) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return 1;
  struct match_work *work = &scratch->work;
  u32 byte = work->at_byte, off = work->bytes_off;
  if (byte >= work->bytes_len) return 1;
  off += byte;
  barrier_var(off);
  if (off >= sizeof(*scratch)) return 1;
  u32 c = *((u8 *)scratch + off), state = work->automaton;
  if (lower && c >= 'A' && c <= 'Z') c += 'a' - 'A';
  u32 next = classify_number(dim, (u64)state << 8 | c, 0);
  if (!next && state) {
    work->automaton = classify_number(dim + 1, state, 0);
    return 0;
  }
  work->automaton = next;
  work->at_byte = byte + 1;
  if (next) {
    u32 content = classify_number(dim + 2, next, 0);
    if (content) classify_or(at, content);
  }
  return 0;
}

static long classify_search_step(u32 i, struct classify_search *search) {
  return classify_search_one(search->at, search->dim, search->lower) ? 1 : 0;
}

// Without bpf_loop: bytes that are searched. A longer value is searched to here only.
#define CLASSIFY_SEARCH_UNROLLED 512

// Bytes [bytes_off, bytes_off + bytes_len) of the scratch. A byte costs at most two steps on average: each fall back
// was paid for by a byte that went forward.
TRIGON_GLOBAL int classify_substring(u32 at, u32 dim, u32 otherwise, u32 lower) {
  struct match_scratch *scratch = match_scratch(at);
  u64 any = 0;
  if (!scratch) return 0;
  struct match_work *work = &scratch->work;
  struct classify_search search = {.at = at, .dim = dim, .lower = lower};
  __builtin_memset(&work->sum, 0, sizeof(work->sum));
  classify_or(at, otherwise);
  work->automaton = 0;
  work->at_byte = 0;
  base_loop(2 * TRIGON_MAX_PATH, CLASSIFY_SEARCH_UNROLLED, classify_search_step, &search);
  for (u32 i = 0; i < TRIGON_VEC_WORDS; i++) any |= work->vector.word[i] &= work->sum.word[i];
  return any != 0;
}

// Parts of an address. -1: there is none; 0: `value` or, for addresses, work->key holds it.
static __always_inline long classify_part(struct match_scratch *scratch, const struct trigon_field *field, u32 part,
                                          u64 *value, u8 *address) {
  u32 off = field->data.off;
  barrier_var(off);
  if (off > MATCH_EVENT_MAX) return -1;
  void *data = (void *)scratch + off;
  u16 family;
  if (field->type == TRIGON_ARG_SOCKADDR) {
    u32 len = field->data.len;
    u8 *bytes = data;
    if (len < 2) return -1;
    family = *(u16 *)bytes;
    if (part == TRIGON_PART_FAMILY) {
      *value = family;
      return 0;
    }
    bool v4 = family == AF_INET && len >= 8, v6 = family == AF_INET6 && len >= 24;
    if (!v4 && !v6) return -1;
    if (part == TRIGON_PART_SPORT || part == TRIGON_PART_DPORT) {
      *value = (u32)bytes[2] << 8 | bytes[3];
      return 0;
    }
    if (part != TRIGON_PART_SADDR && part != TRIGON_PART_DADDR) return -1;
    if (v4) {
      __builtin_memset(address, 0, 10);
      address[10] = address[11] = 0xff;
      __builtin_memcpy(address + 12, bytes + 4, 4);
    } else {
      __builtin_memcpy(address, bytes + 8, 16);
    }
    return 0;
  }
  if (field->type == TRIGON_ARG_SKB) {
    const struct trigon_skb *skb = data;
    family = skb->family;
    if (part == TRIGON_PART_FAMILY) *value = family;
    if (part == TRIGON_PART_PROTOCOL) *value = skb->protocol;
    if (part == TRIGON_PART_SPORT) *value = skb->sport;
    if (part == TRIGON_PART_DPORT) *value = skb->dport;
    if (part == TRIGON_PART_STATE) return -1;
    if (part == TRIGON_PART_SADDR) __builtin_memcpy(address, skb->saddr, 16);
    if (part == TRIGON_PART_DADDR) __builtin_memcpy(address, skb->daddr, 16);
    if (!family) return -1;
  } else {
    const struct trigon_sock *sock = data;
    family = sock->family;
    if (part == TRIGON_PART_FAMILY) *value = family;
    if (part == TRIGON_PART_PROTOCOL) *value = sock->protocol;
    if (part == TRIGON_PART_STATE) *value = sock->state;
    if (part == TRIGON_PART_SPORT) *value = sock->sport;
    if (part == TRIGON_PART_DPORT) *value = sock->dport;
    if (part == TRIGON_PART_SADDR) __builtin_memcpy(address, sock->saddr, 16);
    if (part == TRIGON_PART_DADDR) __builtin_memcpy(address, sock->daddr, 16);
  }
  if (part >= TRIGON_PART_SPORT && family != AF_INET && family != AF_INET6) return -1;
  return 0;
}

static __always_inline u64 classify_task_value(struct match_work *work, const struct trigon_dim *dim) {
  u32 field = dim->field;
  switch (dim->source) {
    case TRIGON_SRC_PID:
      return bpf_get_current_pid_tgid() >> 32;
    case TRIGON_SRC_NS_PID:
      return state_ns_pid(BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), group_leader));
    case TRIGON_SRC_FOLLOW:
      return work->state.follow;
    case TRIGON_SRC_BINARY:
      return work->state.binary;
    case TRIGON_SRC_BINARY_POST:
      return work->state.binary_post;
    case TRIGON_SRC_PARENT:
      return work->state.parent;
    case TRIGON_SRC_PARENT_POST:
      return work->state.parent_post;
    case TRIGON_SRC_CHILDREN:
      return work->state.children[field & (TRIGON_MAX_CHILD_SETS / 64 - 1)];
    case TRIGON_SRC_NAMESPACE:
      return process_namespace(field);
    case TRIGON_SRC_NS_CHANGES:
      return process_namespace_changes(&work->state);
    case TRIGON_SRC_CAPS:
      return process_caps(field);
    case TRIGON_SRC_CAP_CHANGES:
      return field < TRIGON_CAP_SETS ? process_caps(field) ^ work->state.caps[field] : 0;
    case TRIGON_SRC_CRED:
      return process_cred_id(field);
    case TRIGON_SRC_WORKLOAD:
      return process_cgroup();
  }
  return 0;
}

// ANDs one dimension into work->vector; returns 0 when no selector is left.
TRIGON_GLOBAL int classify_dim(u32 at, u32 hook_index, u32 i) {
  struct match_scratch *scratch = match_scratch(at);
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!scratch || !hook || i >= TRIGON_MAX_DIMS) return 0;
  struct match_work *work = &scratch->work;
  const struct trigon_dim *dim = &hook->dim[i];
  const struct trigon_field *field = &scratch->event.field[dim->field & (TRIGON_MAX_FIELDS - 1)];
  u32 words = hook->words, number = dim->dflt, lookup = dim->lookup;
  struct trigon_range_key range = {.prefixlen = 32 + 64, .dim = dim->dim};
  u64 value = 0;

  if (dim->source == TRIGON_SRC_FIELD) {
    if (field->flags & TRIGON_FIELD_UNREADABLE) return classify_and(work, dim->unreadable, words);
    u32 part = dim->part;
    if (part == TRIGON_PART_VALUE) {
      value = field->value;
    } else if (part == TRIGON_PART_PATH_CLASS) {
      value = work->class_of[dim->field & (TRIGON_MAX_FIELDS - 1)];
    } else if (part == TRIGON_PART_PATH_CLASS_POST) {
      value = work->post_of[dim->field & (TRIGON_MAX_FIELDS - 1)];
    } else if (part == TRIGON_PART_FILE_TYPE) {
      value = (field->size >> 12) & 0xf;
    } else if (part == TRIGON_PART_GAINED) {
      const struct trigon_field *old = &scratch->event.field[dim->field2 & (TRIGON_MAX_FIELDS - 1)];
      if (old->flags & TRIGON_FIELD_UNREADABLE) return classify_and(work, dim->unreadable, words);
      value = field->value & ~old->value;
    } else {
      if (classify_part(scratch, field, part, &value, range.value)) return classify_and(work, dim->extra, words);
      if (part >= TRIGON_PART_SADDR) {
        range.prefixlen = 32 + 128;
        u32 *found = bpf_map_lookup_elem(&tri_ranges, &range);
        return classify_and(work, found ? *found : number, words);
      }
    }
  } else {
    value = classify_task_value(work, dim);
  }

  if (lookup == TRIGON_LOOKUP_EQ) return classify_and(work, classify_equal(dim, value), words);
  if (lookup == TRIGON_LOOKUP_RANGE) {
    u64 big = __builtin_bswap64(dim->flip ? value ^ (1ULL << 63) : value);
    __builtin_memcpy(range.value, &big, 8);
    u32 *found = bpf_map_lookup_elem(&tri_ranges, &range);
    return classify_and(work, found ? *found : number, words);
  }
  if (lookup == TRIGON_LOOKUP_EITHER) {
    u32 file = dim->source == TRIGON_SRC_PARENT ? work->state.parent_file : work->state.binary_file;
    u32 by_path = classify_number(dim->dim, value, number);
    if (!file) return classify_and(work, by_path, words);
    return classify_either(at, by_path, classify_number(dim->dim + 1, file, number), dim->extra);
  }
  if (lookup == TRIGON_LOOKUP_MASK || lookup == TRIGON_LOOKUP_NOMASK)
    return classify_mask(at, dim->dim, value & dim->mask, number, lookup == TRIGON_LOOKUP_NOMASK);

  // Strings.
  u32 off = field->data.off, len = field->data.len, found;
  if (field->type == TRIGON_ARG_SOCKADDR) {
    // The path behind the family; abstract names begin with a NUL there and in the tables. Only AF_UNIX has one.
    barrier_var(off);
    if (off > MATCH_EVENT_MAX || len < 2 || *(u16 *)((void *)scratch + off) != AF_UNIX)
      return classify_and(work, dim->unreadable, words);
    off += 2;
    len -= 2;
  }
  if (lookup == TRIGON_LOOKUP_SUBSTRING) {
    work->bytes_off = off;
    work->bytes_len = len;
    return classify_substring(at, dim->dim, number, dim->flip);
  }
  found =
      lookup == TRIGON_LOOKUP_PREFIX ? trie_find(at, off, len, dim->dim) : trie_find_reversed(at, off, len, dim->dim);
  return classify_and(work, found ? found : number, words);
}

#endif
