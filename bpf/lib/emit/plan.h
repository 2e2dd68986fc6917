// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Hooks with a program of their own: which slot it serves and what it reads is fixed in .rodata when it is loaded, so
// that the verifier removes every branch that this hook does not need. One source serves all argument types and all
// kinds of attachment; programs/hooks/ only brings the arguments.
#ifndef TRIGON_LIB_EMIT_PLAN_H
#define TRIGON_LIB_EMIT_PLAN_H

#include "bpf/abi/policy.h"
#include "bpf/lib/match/fields.h"

extern const volatile u32 cfg_slot;
extern const volatile u32 cfg_return_slot;   // 0: no return phase (slot 0 is never a return slot)
extern const volatile u32 cfg_fields;        // entries of cfg_field, the return phase's included
extern const volatile u32 cfg_entry_fields;  // of them
extern const volatile u32 cfg_args;          // arguments that the hooked function has (trampolines)
extern const volatile u32 cfg_actions;       // enum trigon_action_flags that a selector here may have
extern const volatile u32 cfg_ip;            // 1: several functions share this program; the event tells which
extern const volatile struct trigon_field_conf cfg_field[TRIGON_MAX_FIELDS];

// `value` is the object at which the path starts; then what its last member holds, or where that is.
static __always_inline long plan_resolve(u64 *value, const volatile struct trigon_field_conf *conf) {
  u64 at = *value;
  u32 steps = conf->steps;
  for (u32 i = 0; i < TRIGON_MAX_RESOLVE; i++) {
    if (i + 1 >= steps) break;
    if (base_read(&at, 8, at + conf->off[i])) return -1;
  }
  at += conf->off[(steps - 1) & 15];
  if (conf->flags & TRIGON_CONF_LOAD) {
    u64 loaded = 0;
    u32 size = conf->size;
    long err;
    if (size == 1)
      err = base_read(&loaded, 1, at);
    else if (size == 2)
      err = base_read(&loaded, 2, at);
    else if (size == 4)
      err = base_read(&loaded, 4, at);
    else
      err = base_read(&loaded, 8, at);
    if (err) return -1;
    if (conf->bits) loaded = (loaded >> (conf->bit_off & 63)) & ((1ULL << (conf->bits & 63)) - 1);
    if (conf->flags & TRIGON_CONF_SIGNED) {
      u32 shift = 64 - (conf->bits ? conf->bits : size * 8);
      loaded = (s64)(loaded << (shift & 63)) >> (shift & 63);
    }
    at = loaded;
  }
  *value = at;
  return 0;
}

static __always_inline u64 plan_register(u64 registers, u32 offset) {
  u64 value = 0;
  bpf_probe_read_kernel(&value, 8, (void *)(registers + offset));
  return value;
}

// The low conf->size bytes of `loaded`, sign- or zero-extended.
static __always_inline u64 plan_narrow(u64 loaded, const volatile struct trigon_field_conf *conf) {
  u32 shift = 64 - conf->size * 8;
  loaded <<= shift & 63;
  return conf->flags & TRIGON_CONF_SIGNED ? (u64)((s64)loaded >> (shift & 63)) : loaded >> (shift & 63);
}

// An operand of a USDT.
static __always_inline long plan_operand(u64 *value, u64 registers, const volatile struct trigon_field_conf *conf) {
  u64 sum = (u64)conf->off[TRIGON_OPERAND_LOW] | (u64)conf->off[TRIGON_OPERAND_HIGH] << 32;
  u32 base = conf->off[TRIGON_OPERAND_BASE], index = conf->off[TRIGON_OPERAND_INDEX];
  if (base) sum += plan_register(registers, base - 1) >> (conf->off[TRIGON_OPERAND_SHIFT] & 63);
  if (index) sum += plan_register(registers, index - 1) * conf->off[TRIGON_OPERAND_SCALE];
  if (conf->flags & TRIGON_CONF_LOAD && bpf_probe_read_user(&sum, 8, (void *)sum)) {
    // The last bytes of a page: as many as the operand has.
    u64 address = sum;
    sum = 0;
    if (bpf_probe_read_user(&sum, conf->size & 7, (void *)address)) return -1;
  }
  *value = plan_narrow(sum, conf);
  return 0;
}

// Reads field i. Not a global function: the verifier follows it for each i, whose type it knows from .rodata.
static __noinline int plan_field(u32 at, u32 i) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch || i >= TRIGON_MAX_FIELDS) return 0;
  struct match_work *work = &scratch->work;
  struct trigon_field *field = &scratch->event.field[i];
  const volatile struct trigon_field_conf *conf = &cfg_field[i];
  u32 source = conf->source, type = conf->type, size_arg = conf->size_arg, max = conf->max;
  u64 value = 0, size = 0;
  long err = 0;
  if (source == TRIGON_FROM_ARG) {
    value = work->arg[conf->arg & (TRIGON_MAX_ARGS_IN_WORK - 1)];
  } else if (source == TRIGON_FROM_RETURN) {
    value = work->result;
  } else if (source == TRIGON_FROM_TASK) {
    value = bpf_get_current_task();
  } else if (source == TRIGON_FROM_REG) {
    err = bpf_probe_read_kernel(&value, 8, (void *)(work->registers + conf->off[0]));
  } else if (source == TRIGON_FROM_RECORD) {
    u64 record = work->registers + conf->off[0];
    u32 width = conf->size;
    if (type == TRIGON_ARG_CONST_BUF) {
      value = record;
    } else if (width == 1) {
      err = bpf_probe_read_kernel(&value, 1, (void *)record);
    } else if (width == 2) {
      err = bpf_probe_read_kernel(&value, 2, (void *)record);
    } else if (width == 4) {
      err = bpf_probe_read_kernel(&value, 4, (void *)record);
    } else {
      err = bpf_probe_read_kernel(&value, 8, (void *)record);
    }
  }
  if (source == TRIGON_FROM_CONST) value = (u64)conf->off[0] | (u64)conf->off[1] << 32;
  if (source == TRIGON_FROM_OPERAND) err = plan_operand(&value, work->registers, conf);
  if (conf->steps && (source == TRIGON_FROM_ARG || source == TRIGON_FROM_RETURN || source == TRIGON_FROM_TASK))
    err = plan_resolve(&value, conf);
  if (size_arg) size = work->arg[(size_arg - 1) & (TRIGON_MAX_ARGS_IN_WORK - 1)];
  if (conf->flags & TRIGON_CONF_AT_RETURN) size = fields_filled(work, type, size_arg, size);
  if (type == TRIGON_ARG_CONST_BUF) {
    field->type = type;
    field->flags = 0;
    field->path_flags = 0;
    field->value = 0;
    fields_bytes(scratch, field, value, max, max);
    return 0;
  }
  fields_take(at, scratch, field, i, type, value, size_arg, size, max, true);
  if (err) {
    field->flags |= TRIGON_FIELD_UNREADABLE;
    field->value = 0;
  }
  return 0;
}

#define HOOK_UNROLL _Pragma("unroll")
#define HOOK_FIELD(f) plan_field(at, f)
#define HOOK_IS_PATH(f) fields_is_path(cfg_field[f].type)
#include "bpf/lib/emit/hook.h"

// A number as its type has it; false: not a type that is one by itself.
static __always_inline bool plan_number(u64 *value, u32 type) {
  switch (type) {
    case TRIGON_ARG_INT32:
      *value = (s64)(s32)*value;
      return true;
    case TRIGON_ARG_UINT32:
      *value = (u32)*value;
      return true;
    case TRIGON_ARG_INT64:
    case TRIGON_ARG_UINT64:
      return true;
    case TRIGON_ARG_INT16:
      *value = (s64)(s16)*value;
      return true;
    case TRIGON_ARG_UINT16:
      *value = (u16)*value;
      return true;
    case TRIGON_ARG_INT8:
      *value = (s64)(__s8)*value;
      return true;
    case TRIGON_ARG_UINT8:
      *value = (u8)*value;
      return true;
  }
  return false;
}

// What most events come to: already the first dimension leaves nobody. Answered here without working memory when it is
// the binary of a process that is known, a number, or the path of a file that is remembered. `value`: argument of field
// 0. False: nothing is decided yet.
static __always_inline bool plan_rejects(const struct trigon_hook *hook, u32 generation, u64 value) {
  const struct trigon_dim *dim = &hook->dim[0];
  u32 number = dim->dflt;
  if (!hook->dims) return false;
  if (dim->source == TRIGON_SRC_BINARY) {
    if (!cfg_task_storage) return false;
    struct trigon_task_state *state = bpf_task_storage_get(&tri_task, bpf_get_current_task_btf()->group_leader, 0, 0);
    if (!state || state->generation != generation || state->binary_file) return false;
    if (state->binary) number = classify_number(dim->dim, state->binary, number);
    return !number;
  }
  if (dim->source != TRIGON_SRC_FIELD || dim->field || !cfg_entry_fields) return false;
  if (cfg_field[0].source != TRIGON_FROM_ARG || cfg_field[0].steps) return false;
  if (dim->part == TRIGON_PART_VALUE && plan_number(&value, cfg_field[0].type)) {
    if (dim->lookup == TRIGON_LOOKUP_EQ) return !classify_equal(dim, value);
    return false;
  }
  if (cfg_field[0].type == TRIGON_ARG_FILE && dim->part == TRIGON_PART_PATH_CLASS && cfg_btf_file) {
    struct file *file = (void *)value;
    u64 dentry = (u64)base_member(file, cfg_btf_file, f_path.dentry);
    u64 mnt = (u64)base_member(file, cfg_btf_file, f_path.mnt);
    u32 class = match_file_known(dentry, mnt, generation);
    if (!class) return false;
    if (class > 1) number = classify_number(dim->dim, class - 1, number);
    return !number;
  }
  return false;
}

static __always_inline void plan_act(u32 at, struct match_scratch *scratch) {
  struct match_work *work = &scratch->work;
  enforce(work, &scratch->event);
  if (!(cfg_actions & (TRIGON_ACT_TRACK | TRIGON_ACT_UNTRACK))) return;
  if (!(work->actions & (TRIGON_ACT_TRACK | TRIGON_ACT_UNTRACK)) || !work->track) return;
  u32 field = work->track - 1;
  barrier_var(field);
  if (field >= TRIGON_MAX_FIELDS) return;
  // Its value is a sock's address; it may not have been needed for matching.
  if (!(work->read >> field & 1)) {
    for (u32 f = 0; f < TRIGON_MAX_FIELDS; f++) {
      if (f >= cfg_fields) break;
      if (f != field) continue;
      plan_field(at, f);
      work->read |= 1u << f;
    }
  }
  track_sock(scratch->event.field[field].value, work->actions & TRIGON_ACT_TRACK);
}

// The entry phase, arguments in place. What the hook should answer: 0 or a negative errno.
static __always_inline int plan_entry(void *ctx, u32 at, u32 hook_index) {
  struct match_scratch *scratch = match_scratch(at);
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!scratch || !hook) return 0;
  struct match_work *work = &scratch->work;
  struct trigon_hook_event *event = &scratch->event;
  if (run_control.trace_only && !process_traced(at, work)) return 0;
  // Data starts behind the fields that this hook has, not behind those that it could have.
  work->used = __builtin_offsetof(struct trigon_hook_event, field) + cfg_fields * sizeof(struct trigon_field);
  if (!hook_all(work, hook)) return 0;
  event->flags = 0;
  if (!hook_match(at, work, hook, hook_index, 0, cfg_entry_fields)) return 0;
  event->fields = cfg_entry_fields;
  event->entry_fields = cfg_entry_fields;
  event->error = 0;
  event->signal_error = 0;
  event->syscall = 0;
  event->syscall_abi = 0;
  event->ip = cfg_ip ? bpf_get_func_ip(ctx) : 0;
  __builtin_memset(&event->kernel_stack, 0, 3 * sizeof(struct trigon_span));
  hook_take_all(at, hook_index);
  plan_act(at, scratch);
  int answer = 0;
  if (work->actions & TRIGON_ACT_OVERRIDE) {
    answer = work->error;
    event->error = answer;
    event->flags |= TRIGON_HOOK_OVERRIDDEN;
    struct trigon_counters *counters = base_counters();
    if (counters) base_count(&counters->overrides);
  }
  if (!(work->actions & (TRIGON_ACT_POST | TRIGON_ACT_USER | TRIGON_ACT_RETURN))) return answer;
  hook_read_rest(at, work, 0, cfg_entry_fields);
  if (cfg_return_slot && (work->actions & TRIGON_ACT_RETURN)) {
    if (cfg_actions & TRIGON_ACT_KSTACK && work->actions & TRIGON_ACT_KSTACK)
      hook_stack(ctx, scratch, &event->kernel_stack, 0);
    if (cfg_actions & TRIGON_ACT_USTACK && work->actions & TRIGON_ACT_USTACK)
      hook_stack(ctx, scratch, &event->user_stack, BPF_F_USER_STACK);
    pending_put(at, cfg_slot);
    return answer;
  }
  if (cfg_actions & TRIGON_ACT_RATE && work->actions & TRIGON_ACT_RATE && !rate_filter(at, hook->sel_base))
    return answer;
  hook_post(ctx, at, scratch, cfg_slot, cfg_actions);
  return answer;
}

// The return phase: work->result is in place.
static __always_inline int plan_return(void *ctx, u32 at, u32 current) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch || !pending_take(at, cfg_slot)) return 0;
  struct match_work *work = &scratch->work;
  struct trigon_hook_event *event = &scratch->event;
  u32 parity = work->generation & 1;
  work->parity = parity;
  u32 hook_index = parity * TRIGON_MAX_HOOKS + cfg_return_slot;
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  struct trigon_counters *counters = base_counters();
  if (!hook || !counters) return 0;
  if (current - work->generation > 1) {  // its tables are gone
    base_count(&counters->produced[TRIGON_REC_HOOK]);
    emit_lost(counters, TRIGON_REC_HOOK);
    return 0;
  }
  event->flags |= TRIGON_HOOK_RETURN;
  event->fields = cfg_fields;
  work->read = 0;
  if (work->phase == 2) {
    // The look-ups of its generation have been taken out; its arrays are there until the next change.
    event->flags |= TRIGON_HOOK_OTHER_POLICY;
  } else if (!hook_match(at, work, hook, hook_index, cfg_entry_fields, cfg_fields)) {
    return 0;
  }
  hook_take_all(at, hook_index);
  plan_act(at, scratch);
  if (!(work->actions & (TRIGON_ACT_POST | TRIGON_ACT_USER))) return 0;
  hook_read_rest(at, work, cfg_entry_fields, cfg_fields);
  if (cfg_actions & TRIGON_ACT_RATE && work->actions & TRIGON_ACT_RATE && !rate_filter(at, hook->sel_base)) return 0;
  // Stacks are those of the entry.
  work->actions &= ~(TRIGON_ACT_KSTACK | TRIGON_ACT_USTACK);
  hook_post(ctx, at, scratch, cfg_slot, 0);
  return 0;
}

#endif
