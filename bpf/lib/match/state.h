// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What policies remember of a process. It exists only for processes that a policy looked at (or that follow one), is
// kept with the group leader, and is computed again when the tables' generation or the image changes.
#ifndef TRIGON_LIB_MATCH_STATE_H
#define TRIGON_LIB_MATCH_STATE_H

#include "bpf/lib/base/config.h"
#include "bpf/lib/base/counters.h"
#include "bpf/lib/read/task.h"

// Task storage knows its task; the hash map is keyed by pid and checked by start time.
static __always_inline struct trigon_task_state *state_find(struct task_struct *leader, u32 pid, u64 start_ns) {
  struct trigon_task_state *state;
  if (cfg_task_storage) {
    state = bpf_task_storage_get(&tri_task, leader, 0, 0);
  } else {
    state = bpf_map_lookup_elem(&tri_task_hash, &pid);
    if (state && state->start_ns != start_ns) state = NULL;
  }
  return state;
}

static __always_inline void state_store(struct task_struct *leader, u32 pid, struct trigon_task_state *value) {
  if (cfg_task_storage) {
    struct trigon_task_state *state = bpf_task_storage_get(&tri_task, leader, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (state) {
      *state = *value;
      return;
    }
  } else if (!bpf_map_update_elem(&tri_task_hash, &pid, value, BPF_ANY)) {
    return;
  }
  struct trigon_counters *counters = base_counters();
  if (counters) base_count(&counters->state_failures);
}

// At exec: the classes are another binary's. What is followed stays.
static __always_inline void state_forget_image(struct task_struct *task) {
  if (!run_control.generation) return;
  struct task_struct *leader = task->group_leader;
  struct trigon_task_state *state = state_find(leader, task->tgid, leader->start_boottime);
  if (!state) return;
  state->generation = 0;
  state->noted = 0;
}

// Task storage goes with the task.
static __always_inline void state_forget_process(u32 pid) {
  if (cfg_task_storage || !run_control.generation) return;
  bpf_map_delete_elem(&tri_task_hash, &pid);
}

// pid in the task's own namespace, by reads that work on any pointer (5.10 has no BTF pointer to the current task).
static __always_inline u32 state_ns_pid(const struct task_struct *task) {
  const struct pid *pid = BPF_CORE_READ(task, thread_pid);
  const struct upid *upid = read_task_upid(pid, BPF_CORE_READ(pid, level));
  return BPF_CORE_READ(upid, nr);
}

// Bit of the pid in trigon_task_state.follow, if some policy or trace names it.
static __always_inline u64 state_follow_bit(u32 dim, u32 pid) {
  struct trigon_number_key key = {.dim = dim, .value = pid};
  u32 *bit = bpf_map_lookup_elem(&tri_numbers, &key);
  return bit ? 1ULL << (*bit & 63) : 0;
}

static __always_inline u64 state_follow_bits(u32 pid, u32 ns_pid) {
  return state_follow_bit(TRIGON_DIM_FOLLOW_PID, pid) | state_follow_bit(TRIGON_DIM_FOLLOW_NS_PID, ns_pid);
}

struct state_search {
  const struct task_struct *task;
  u64 bits;
};

static long state_search_step(u32 i, struct state_search *search) {
  const struct task_struct *task = search->task;
  u32 pid = BPF_CORE_READ(task, tgid);
  search->bits |= state_follow_bits(pid, state_ns_pid(task));
  if (pid <= 1) return 1;
  search->task = BPF_CORE_READ(task, real_parent, group_leader);
  return !search->task;
}

// Bits of the process led by `leader` and of its living ancestors. Global, so that it is verified once.
TRIGON_GLOBAL u64 state_follow_search(u64 leader) {
  struct state_search search = {.task = (void *)leader};
  base_loop(TRIGON_MAX_ANCESTOR_WALK, TRIGON_MAX_ANCESTOR_WALK, state_search_step, &search);
  return search.bits;
}

// What a state of another epoch still tells: the trace that it belongs to.
static __always_inline u64 state_follow_kept(const struct trigon_task_state *state) {
  return state ? state->follow & (1ULL << TRIGON_FOLLOW_TRACE) : 0;
}

// At fork: the child follows what its parent follows. A parent that was never looked at is looked at now, because it
// may be gone when the child is. `child` leads its new process.
static __always_inline void state_inherit(struct task_struct *child) {
  bool children = run_control.child_dim[run_control.generation & 1] != 0;
  if (!run_control.follow_active && !children) return;
  struct task_struct *parent = child->real_parent->group_leader;
  struct trigon_task_state *of_parent = state_find(parent, parent->tgid, parent->start_boottime);
  struct trigon_task_state value = {};
  u32 epoch = run_control.follow_epoch;
  u64 follow = 0;
  if (run_control.follow_active)
    follow = of_parent && of_parent->known == epoch
                 ? of_parent->follow
                 : state_follow_kept(of_parent) | state_follow_search(base_address(parent));
  if (of_parent) {
    for (u32 i = 0; i < TRIGON_MAX_CHILD_SETS / 64; i++) value.children[i] = of_parent->children[i];
  }
  if (!follow && !value.children[0] && !value.children[1]) return;
  if (run_control.follow_active) value.follow = follow | state_follow_bits(child->tgid, state_ns_pid(child));
  value.known = epoch;
  value.start_ns = child->start_boottime;
  state_store(child, child->tgid, &value);
}

#endif
