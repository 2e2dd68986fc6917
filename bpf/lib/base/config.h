// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What user space fixes before loading (.rodata: the verifier removes what they rule out) and what it changes while
// running (.bss, mapped by both sides).
#ifndef TRIGON_LIB_BASE_CONFIG_H
#define TRIGON_LIB_BASE_CONFIG_H

#include "bpf/abi/policy.h"
#include "bpf/lib/base/bpf.h"

// 1: BPF_MAP_TYPE_TASK_STORAGE for tracing programs (5.11, a10787e6d58c for tracing) and bpf_get_current_task_btf
// (5.11) exist. 0: tri_task_hash.
extern const volatile u32 cfg_task_storage;
// 1: environments are reported with exec.
extern const volatile u32 cfg_env;
// 1 + index of the v1 subsystem whose cgroup is reported when the cgroup2 one is the root; 0: cgroup2 only.
extern const volatile u32 cfg_cgroup_v1;
// Fill of the ring in bytes above which hook events are refused, so that exec, fork and exit still fit.
extern const volatile u64 cfg_ring_limit;

// Type numbers in the kernel's BTF, for base_untrusted(); 0 where bpf_rdonly_cast() is missing (before 6.2).
extern const volatile u32 cfg_btf_task;
extern const volatile u32 cfg_btf_binprm;
extern const volatile u32 cfg_btf_cgroup;
extern const volatile u32 cfg_btf_dentry;
extern const volatile u32 cfg_btf_mount;
extern const volatile u32 cfg_btf_file;
extern const volatile u32 cfg_btf_seqcount;
extern const volatile u32 cfg_btf_inode;
extern const volatile u32 cfg_btf_fs;
// Addresses of rename_lock and mount_lock (fs/dcache.c, fs/namespace.c): their sequence numbers change with every
// rename and every change of the mount tree. 0: not known, then no path is remembered.
extern const volatile u64 cfg_rename_lock;
extern const volatile u64 cfg_mount_lock;
// enum iter_type of the running kernel (include/linux/uio.h); -1: there is none.
extern const volatile s32 cfg_iter_ubuf;
extern const volatile s32 cfg_iter_iovec;

// 1: the reader sleeps and wants to be woken by the next record. Set by the reader, cleared by whoever wakes it.
extern volatile u32 run_reader_sleeps;
extern volatile struct trigon_control run_control;

#endif
