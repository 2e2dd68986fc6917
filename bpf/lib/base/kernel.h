// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The kernel types that the programs read, with just the members they use. clang records every access (CO-RE), libbpf
// rewrites the offsets for the running kernel: order and size here mean nothing, names and types do. A member that
// some kernel lacks is guarded by bpf_core_field_exists() where it is read; a member that changed is a flavour
// (`struct x___old`) with the commit beside it.
#ifndef TRIGON_LIB_BASE_KERNEL_H
#define TRIGON_LIB_BASE_KERNEL_H

#include "bpf/abi/types.h"

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

// uapi/linux/bpf.h, which cannot be included beside hand-written kernel types on every distribution.
enum bpf_map_type {
  BPF_MAP_TYPE_HASH = 1,
  BPF_MAP_TYPE_ARRAY = 2,
  BPF_MAP_TYPE_PERCPU_ARRAY = 6,
  BPF_MAP_TYPE_LRU_HASH = 9,
  BPF_MAP_TYPE_LPM_TRIE = 11,
  BPF_MAP_TYPE_STACK = 23,
  BPF_MAP_TYPE_RINGBUF = 27,
  BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum bpf_prog_type { BPF_PROG_TYPE_UNSPEC = 0 };
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { BPF_F_NO_PREALLOC = 1 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum { BPF_RB_AVAIL_DATA = 0 };
enum { BPF_F_USER_STACK = 1 << 8 };

// include/linux/sched.h; stable since before 5.10.
#define TASK_COMM_LEN 16
#define PF_KTHREAD 0x00200000
#define CLONE_THREAD 0x00010000
// CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}; CLONE_NEWTIME (0x80) cannot be given to clone(2), only to clone3(2).
#define CLONE_NEW_ANY 0x7e020080
// include/linux/sched/signal.h
#define SIGNAL_GROUP_EXIT 0x00000004
// include/linux/socket.h
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
// include/uapi/linux/if_ether.h
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
// include/uapi/linux/in.h
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_SCTP 132
// include/uapi/linux/stat.h
#define S_ISUID 0004000
#define S_ISGID 0002000
#define S_IXGRP 0000010

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
  u32 val;
} kuid_t;
typedef struct {
  u32 val;
} kgid_t;
typedef struct {
  s32 counter;
} atomic_t;

struct ns_common {
  u32 inum;
};
struct uts_namespace {
  struct ns_common ns;
};
struct ipc_namespace {
  struct ns_common ns;
};
struct mnt_namespace {
  struct ns_common ns;
};
struct pid_namespace {
  struct ns_common ns;
};
struct net {
  struct ns_common ns;
};
struct time_namespace {
  struct ns_common ns;
};
struct cgroup_namespace {
  struct ns_common ns;
};
struct user_namespace {
  s32 level;
  kuid_t owner;
  kgid_t group;
  struct ns_common ns;
};
struct nsproxy {
  struct uts_namespace *uts_ns;
  struct ipc_namespace *ipc_ns;
  struct mnt_namespace *mnt_ns;
  struct pid_namespace *pid_ns_for_children;
  struct net *net_ns;
  struct time_namespace *time_ns;
  struct time_namespace *time_ns_for_children;
  struct cgroup_namespace *cgroup_ns;
};

// 6.3 (f122a08b197d "capability: just use a 'u64' instead of a 'u32[2]' array") changed the member, not the size.
typedef struct {
  u64 val;
} kernel_cap_t;

struct cred {
  kuid_t uid;
  kgid_t gid;
  kuid_t suid;
  kgid_t sgid;
  kuid_t euid;
  kgid_t egid;
  kuid_t fsuid;
  kgid_t fsgid;
  u32 securebits;
  kernel_cap_t cap_inheritable;
  kernel_cap_t cap_permitted;
  kernel_cap_t cap_effective;
  kernel_cap_t cap_bset;
  kernel_cap_t cap_ambient;
  struct user_namespace *user_ns;
};

struct super_block {
  u32 s_dev;
};
struct inode {
  u16 i_mode;
  kuid_t i_uid;
  kgid_t i_gid;
  struct super_block *i_sb;
  unsigned long i_ino;
  u32 i_nlink;
  u32 i_generation;
};
struct qstr {
  union {
    struct {
      u32 hash;
      u32 len;
    };
    u64 hash_len;
  };
  const unsigned char *name;
};
struct hlist_bl_node {
  struct hlist_bl_node *next, **pprev;
};
struct dentry {
  struct hlist_bl_node d_hash;
  struct dentry *d_parent;
  struct qstr d_name;
  struct inode *d_inode;
};
struct vfsmount {
  struct dentry *mnt_root;
  s32 mnt_flags;
};
struct mount {
  struct mount *mnt_parent;
  struct dentry *mnt_mountpoint;
  struct vfsmount mnt;
};
struct path {
  struct vfsmount *mnt;
  struct dentry *dentry;
};
struct file {
  struct path f_path;
  struct inode *f_inode;
};
struct kiocb {
  struct file *ki_filp;
};
struct filename {
  const char *name;
};
struct net_device {
  char name[16];
};
struct seqcount {
  u32 sequence;
};

struct in6_addr {
  union {
    u8 u6_addr8[16];
  } in6_u;
};
struct sock_common {
  u32 skc_daddr;
  u32 skc_rcv_saddr;
  u16 skc_dport;
  u16 skc_num;
  u16 skc_family;
  volatile unsigned char skc_state;
  struct in6_addr skc_v6_daddr;
  struct in6_addr skc_v6_rcv_saddr;
};
struct sock {
  struct sock_common __sk_common;
  u16 sk_type;
  u16 sk_protocol;
  u32 sk_mark;
  u32 sk_priority;
};
struct socket {
  struct sock *sk;
};
struct sk_buff {
  struct sock *sk;
  u32 len;
  u32 hash;
  u32 mark;
  u32 priority;
  u16 protocol;
  u16 transport_header;
  u16 network_header;
  unsigned char *head;
};

struct iovec {
  void *iov_base;
  u64 iov_len;
};
// 5.14 (8cd54c1c8480 "iov_iter: separate direction from flavour") split `type`; 6.4 (747b1f65d39a) renamed iov.
struct iov_iter {
  u8 iter_type;
  u64 iov_offset;
  u64 count;
  const struct iovec *__iov;
  void *ubuf;
};
struct iov_iter___iov {
  const struct iovec *iov;
};
struct iov_iter___old {
  u32 type;
};

struct module {
  char name[56];
  bool sig_ok;
  unsigned long taints;
};
struct load_info {
  const char *name;
  struct module *mod;
  bool sig_ok;
};
struct bpf_prog_aux {
  char name[16];
};
struct bpf_prog {
  enum bpf_prog_type type;
  u32 len;
  struct bpf_prog_aux *aux;
};
struct bpf_map {
  enum bpf_map_type map_type;
  u32 key_size;
  u32 value_size;
  u32 max_entries;
  char name[16];
};
// uapi: its layout never changes, but it is embedded.
struct perf_event_attr {
  u32 type;
  u64 config;
};
struct perf_event {
  struct perf_event_attr attr;
};

struct fs_struct {
  struct path root;
  struct path pwd;
};
struct fdtable {
  u32 max_fds;
  struct file **fd;
};
struct files_struct {
  struct fdtable *fdt;
};

struct kernfs_node {
  u64 id;
};
struct cgroup_root {
  s32 hierarchy_id;
};
struct cgroup {
  s32 level;
  struct kernfs_node *kn;
  struct cgroup_root *root;
};
struct cgroup_subsys_state {
  struct cgroup *cgroup;
};
struct css_set {
  struct cgroup_subsys_state *subsys[1];
  struct cgroup *dfl_cgrp;
};

struct mm_struct {
  unsigned long arg_start, arg_end, env_start, env_end;
  struct file *exe_file;
};
struct signal_struct {
  atomic_t live;
  s32 group_exit_code;
  u32 flags;
};
struct upid {
  s32 nr;
  struct pid_namespace *ns;
};
struct pid {
  u32 level;
  struct upid numbers[1];
};
struct thread_info {
  u32 status;  // x86: TS_COMPAT
  unsigned long flags;
};
struct task_struct {
  struct thread_info thread_info;
  u32 flags;
  s32 pid;
  s32 tgid;
  struct task_struct *real_parent;
  struct task_struct *group_leader;
  struct pid *thread_pid;
  u64 start_boottime;
  s32 exit_code;
  const struct cred *cred;
  struct fs_struct *fs;
  struct files_struct *files;
  struct nsproxy *nsproxy;
  struct signal_struct *signal;
  struct mm_struct *mm;
  struct css_set *cgroups;
  kuid_t loginuid;
  u32 sessionid;
  char comm[TASK_COMM_LEN];
};
struct linux_binprm {
  u32 secureexec : 1;
  struct file *file;
  const char *filename;
  const char *interp;
  const char *fdpath;
};

struct bpf_iter_meta {
  struct seq_file *seq;
  u64 session_id;
  u64 seq_num;
};
struct bpf_iter__task {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
  unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
  u64 regs[31];
  u64 sp, pc, pstate;
};
struct pt_regs {
  union {
    struct user_pt_regs user_regs;
    struct {
      u64 regs[31];
      u64 sp, pc, pstate;
    };
  };
  u64 orig_x0;
};
#endif

#pragma clang attribute pop

#endif
