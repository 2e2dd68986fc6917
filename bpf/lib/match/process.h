// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What policies compare of the current process: what its image and ancestors decide once (struct trigon_task_state),
// and what may change at any time and is read when it is asked for: namespaces, capabilities, credentials, control
// group.
#ifndef TRIGON_LIB_MATCH_PROCESS_H
#define TRIGON_LIB_MATCH_PROCESS_H

#include "bpf/lib/match/file.h"
#include "bpf/lib/match/state.h"

static __always_inline struct task_struct *process_task(void) { return (void *)bpf_get_current_task(); }

static __always_inline u32 process_namespace(u32 which) {
  struct task_struct *task = process_task();
  if (which == TRIGON_NS_USER) return BPF_CORE_READ(task, cred, user_ns, ns.inum);
  if (which == TRIGON_NS_PID) {
    const struct pid *pid = BPF_CORE_READ(task, thread_pid);
    const struct upid *upid = read_task_upid(pid, BPF_CORE_READ(pid, level));
    return BPF_CORE_READ(upid, ns, ns.inum);
  }
  struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);
  if (!proxy) return 0;
  switch (which) {
    case TRIGON_NS_UTS:
      return BPF_CORE_READ(proxy, uts_ns, ns.inum);
    case TRIGON_NS_IPC:
      return BPF_CORE_READ(proxy, ipc_ns, ns.inum);
    case TRIGON_NS_MNT:
      return BPF_CORE_READ(proxy, mnt_ns, ns.inum);
    case TRIGON_NS_PID_FOR_CHILDREN:
      return BPF_CORE_READ(proxy, pid_ns_for_children, ns.inum);
    case TRIGON_NS_NET:
      return BPF_CORE_READ(proxy, net_ns, ns.inum);
    case TRIGON_NS_CGROUP:
      return BPF_CORE_READ(proxy, cgroup_ns, ns.inum);
  }
  if (!bpf_core_field_exists(proxy->time_ns)) return 0;
  if (which == TRIGON_NS_TIME) return BPF_CORE_READ(proxy, time_ns, ns.inum);
  return BPF_CORE_READ(proxy, time_ns_for_children, ns.inum);
}

// All of them at once; written out, because each is another member.
static __always_inline void process_note_namespaces(u32 *ns) {
  for (u32 i = 0; i < TRIGON_NAMESPACES; i++) ns[i] = process_namespace(i);
}

static __always_inline u64 process_namespace_changes(const struct trigon_task_state *state) {
  u64 bits = 0;
  for (u32 i = 0; i < TRIGON_NAMESPACES; i++) bits |= (u64)(process_namespace(i) != state->ns[i]) << i;
  return bits;
}

static __always_inline u64 process_caps(u32 set) {
  const struct cred *cred = BPF_CORE_READ(process_task(), cred);
  u64 caps = 0;
  // 6.3 made it one number of what were two halves; the bytes are the same.
  if (set == TRIGON_CAP_INHERITABLE)
    bpf_probe_read_kernel(&caps, 8, __builtin_preserve_access_index(&cred->cap_inheritable));
  else if (set == TRIGON_CAP_PERMITTED)
    bpf_probe_read_kernel(&caps, 8, __builtin_preserve_access_index(&cred->cap_permitted));
  else
    bpf_probe_read_kernel(&caps, 8, __builtin_preserve_access_index(&cred->cap_effective));
  return caps;
}

// uid, gid, … of struct cred lie side by side in every kernel so far (cred.h).
static __always_inline u32 process_cred_id(u32 which) {
  const struct cred *cred = BPF_CORE_READ(process_task(), cred);
  u32 id = 0;
  bpf_probe_read_kernel(&id, 4,
                        (void *)__builtin_preserve_access_index(&cred->uid) + 4 * (which & (TRIGON_CRED_IDS - 1)));
  return id;
}

static __always_inline u64 process_cgroup(void) {
  struct css_set *set = BPF_CORE_READ(process_task(), cgroups);
  if (cfg_cgroup_v1) {
    struct cgroup *cgroup = BPF_CORE_READ(set, dfl_cgrp);
    if (BPF_CORE_READ(cgroup, level) == 0) {
      struct cgroup_subsys_state *css = NULL;
      bpf_probe_read_kernel(
          &css, sizeof(css),
          (void *)__builtin_preserve_access_index(&set->subsys[0]) + ((cfg_cgroup_v1 - 1) & 15) * sizeof(void *));
      return BPF_CORE_READ(css, cgroup, kn, id);
    }
  }
  return BPF_CORE_READ(set, dfl_cgrp, kn, id);
}

// Classes of the file that a task runs, in work->class, class_post; the answer is the class of the file itself.
static __always_inline u32 process_image(u32 at, struct match_work *work, u64 task) {
  work->class = 0;
  work->class_post = 0;
  struct file *exe = BPF_CORE_READ((struct task_struct *)task, mm, exe_file);
  if (!exe) return 0;
  work->dentry = (u64)BPF_CORE_READ(exe, f_path.dentry);
  work->mnt = (u64)BPF_CORE_READ(exe, f_path.mnt);
  if (match_file_class(at)) {
    work->class = 0;
    work->class_post = 0;
  }
  u32 dim = run_control.file_dim[work->parity & 1];
  if (!dim) return 0;
  struct trigon_number_key key = {.dim = dim};
  key.device = BPF_CORE_READ(exe, f_inode, i_sb, s_dev);
  key.value = BPF_CORE_READ(exe, f_inode, i_ino);
  u32 *found = bpf_map_lookup_elem(&tri_numbers, &key);
  return found ? *found : 0;
}

// Sets that the binary is in: bits that its descendants keep.
static __always_inline void process_join(struct trigon_task_state *state, u32 parity) {
  u32 dim = run_control.child_dim[parity & 1];
  if (!dim) return;
  u32 parents = run_control.child_parent_dim[parity & 1];
  u32 dims[4] = {dim, run_control.child_file_dim[parity & 1], parents, parents ? parents + 1 : 0};
  u64 class[4] = {state->binary, state->binary_file, state->parent, state->parent_file};
  for (u32 i = 0; i < 4; i++) {
    struct trigon_number_key key = {.dim = dims[i], .value = class[i]};
    u32 *number = class[i] && dims[i] ? bpf_map_lookup_elem(&tri_numbers, &key) : NULL;
    if (!number) continue;
    u32 index = (parity & 1) * TRIGON_MAX_VECTORS + (*number & (TRIGON_MAX_VECTORS - 1));
    const struct trigon_vector *sets = bpf_map_lookup_elem(&tri_vectors, &index);
    if (!sets) continue;
    for (u32 w = 0; w < TRIGON_MAX_CHILD_SETS / 64; w++) state->children[w] |= sets->word[w];
  }
}

// Fills work->state for the current process: from its storage when that is of this generation, else computed and kept.
TRIGON_GLOBAL int process_classify(u32 at) {
  struct match_scratch *scratch = match_scratch(at);
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
    leader = BPF_CORE_READ(process_task(), group_leader);
    start_ns = BPF_CORE_READ(leader, start_boottime);
  }
  struct trigon_task_state *known = state_find(leader, pid, start_ns);
  if (known && known->generation == generation) {
    work->state = *known;
    return 0;
  }
  struct trigon_task_state *state = &work->state;
  if (known)
    *state = *known;
  else
    __builtin_memset(state, 0, sizeof(*state));
  u64 follow = state->follow & (1ULL << TRIGON_FOLLOW_TRACE);
  u32 epoch = run_control.follow_epoch;
  if (run_control.follow_active) {
    if (known && known->known == epoch) follow = known->follow;
    follow |= state_follow_search(base_address(leader));
  }
  state->generation = generation;
  state->start_ns = start_ns;
  state->known = epoch;
  state->follow = follow;
  state->binary = state->binary_post = state->binary_file = 0;
  state->parent = state->parent_post = state->parent_file = 0;
  if (run_control.path_dim[work->parity & 1]) {
    u64 task = base_address(leader);
    // A leader that has exited has no memory; its threads do.
    if (!BPF_CORE_READ((struct task_struct *)task, mm)) task = (u64)process_task();
    state->binary_file = process_image(at, work, task);
    state->binary = work->class;
    state->binary_post = work->class_post;
    if (run_control.parents_active) {
      state->parent_file =
          process_image(at, work, (u64)BPF_CORE_READ((struct task_struct *)task, real_parent, group_leader));
      state->parent = work->class;
      state->parent_post = work->class_post;
    }
    process_join(state, work->parity);
  }
  if (run_control.changes_active && !state->noted) {
    state->noted = 1;
    process_note_namespaces(state->ns);
    for (u32 i = 0; i < TRIGON_CAP_SETS; i++) state->caps[i] = process_caps(i);
  }
  state_store(leader, pid, state);
  return 0;
}

// Whether the current process belongs to `trigon trace -- command`. The storage answers for most events.
static __always_inline int process_traced(u32 at, struct match_work *work) {
  if (cfg_task_storage) {
    struct trigon_task_state *state = bpf_task_storage_get(&tri_task, bpf_get_current_task_btf()->group_leader, 0, 0);
    if (state && state->generation == work->generation) return (state->follow >> TRIGON_FOLLOW_TRACE) & 1;
  }
  process_classify(at);
  return (work->state.follow >> TRIGON_FOLLOW_TRACE) & 1;
}

#endif
