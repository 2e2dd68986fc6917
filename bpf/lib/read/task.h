// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Facts of a task. `task` is a BTF pointer (tp_btf argument, iterator, bpf_get_current_task_btf), so members are read
// with plain loads, which the kernel makes safe: one instruction each.
#ifndef TRIGON_LIB_READ_TASK_H
#define TRIGON_LIB_READ_TASK_H

#include "bpf/abi/record.h"
#include "bpf/lib/base/config.h"

static __always_inline void read_task_creds(struct trigon_creds *out, const struct task_struct *task) {
  const struct cred *cred = task->cred;
  out->uid = cred->uid.val;
  out->gid = cred->gid.val;
  out->suid = cred->suid.val;
  out->sgid = cred->sgid.val;
  out->euid = cred->euid.val;
  out->egid = cred->egid.val;
  out->fsuid = cred->fsuid.val;
  out->fsgid = cred->fsgid.val;
  out->securebits = cred->securebits;
  if (bpf_core_field_exists(cred->cap_effective.val)) {  // 6.3
    out->cap_inheritable = cred->cap_inheritable.val;
    out->cap_permitted = cred->cap_permitted.val;
    out->cap_effective = cred->cap_effective.val;
    out->cap_bounding = cred->cap_bset.val;
    out->cap_ambient = cred->cap_ambient.val;
  } else {
    // Two 32-bit words each, side by side since 4.3 (ambient); the bytes are the same.
    bpf_probe_read_kernel(&out->cap_inheritable, 40, __builtin_preserve_access_index(&cred->cap_inheritable));
  }
  struct user_namespace *user_ns = cred->user_ns;
  out->user_ns_level = user_ns->level;
  out->user_ns_owner = user_ns->owner.val;
  out->user_ns_group = user_ns->group.val;
  // CONFIG_AUDIT
  out->loginuid = bpf_core_field_exists(task->loginuid) ? task->loginuid.val : (u32)-1;
  out->sessionid = bpf_core_field_exists(task->sessionid) ? task->sessionid : (u32)-1;
}

// Entry of the innermost namespace. `pid` is a plain address: 5.10 and 6.1 allow no variable offset on a BTF pointer.
// MAX_PID_NS_LEVEL is 32 (include/linux/pid_namespace.h).
static __always_inline const struct upid *read_task_upid(const struct pid *pid, u32 level) {
  return (void *)__builtin_preserve_access_index(&pid->numbers[0]) + (level & 31) * bpf_core_type_size(struct upid);
}

static __always_inline void read_task_namespaces(struct trigon_namespaces *out, const struct task_struct *task) {
  const struct nsproxy *proxy = task->nsproxy;
  __builtin_memset(out, 0, sizeof(*out));
  out->user = task->cred->user_ns->ns.inum;
  if (!proxy) return;  // exiting
  out->uts = proxy->uts_ns->ns.inum;
  out->ipc = proxy->ipc_ns->ns.inum;
  out->mnt = proxy->mnt_ns->ns.inum;
  out->net = proxy->net_ns->ns.inum;
  out->pid_for_children = proxy->pid_ns_for_children->ns.inum;
  out->cgroup = proxy->cgroup_ns->ns.inum;
  if (bpf_core_field_exists(proxy->time_ns)) {  // 5.6, CONFIG_TIME_NS
    out->time = proxy->time_ns->ns.inum;
    out->time_for_children = proxy->time_ns_for_children->ns.inum;
  }
  if (!task->thread_pid) return;
  const struct upid *upid = read_task_upid((const struct pid *)base_address(task->thread_pid), task->thread_pid->level);
  out->pid = BPF_CORE_READ(upid, ns, ns.inum);
}

static __always_inline u32 read_task_ns_pid(const struct task_struct *task) {
  const struct pid *pid = task->thread_pid;
  if (!pid) return 0;
  u32 level = pid->level;
  if (!level) return task->pid;
  const struct upid *upid = read_task_upid((const struct pid *)base_address(pid), level);
  return BPF_CORE_READ(upid, nr);
}

static __always_inline void read_task_cgroup(u64 *id, u32 *v1, const struct task_struct *task) {
  const struct css_set *set = task->cgroups;
  const struct cgroup *cgroup = set->dfl_cgrp;
  *v1 = 0;
  if (cfg_cgroup_v1 && cgroup->level == 0) {
    struct cgroup_subsys_state *css = NULL;
    bpf_probe_read_kernel(
        &css, sizeof(css),
        (void *)__builtin_preserve_access_index(&set->subsys[0]) + ((cfg_cgroup_v1 - 1) & 15) * sizeof(void *));
    *id = BPF_CORE_READ(css, cgroup, kn, id);
    *v1 = cfg_cgroup_v1;
    return;
  }
  *id = cgroup->kn->id;
}

static __always_inline void read_task(struct trigon_task *out, const struct task_struct *task) {
  const struct task_struct *parent = task->group_leader->real_parent->group_leader;
  out->parent_pid = parent->tgid;
  out->parent_start_ns = parent->start_boottime;
  out->ns_pid = read_task_ns_pid(task->group_leader);
  out->kernel_flags = task->flags;
  read_task_cgroup(&out->cgroup_id, &out->cgroup_v1, task);
  read_task_creds(&out->creds, task);
  read_task_namespaces(&out->ns, task);
}

static __always_inline void read_task_file(struct trigon_file *out, const struct file *file) {
  const struct inode *inode = file->f_inode;
  out->inode = inode->i_ino;
  out->dev = inode->i_sb->s_dev;
  out->nlink = inode->i_nlink;
  out->mode = inode->i_mode;
  out->generation = inode->i_generation;
  out->uid = inode->i_uid.val;
  out->gid = inode->i_gid.val;
}

#endif
