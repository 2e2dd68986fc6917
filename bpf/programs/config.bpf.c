// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The definitions behind bpf/lib/base/config.h, and the licence of the linked object.
#include "bpf/lib/base/config.h"

const volatile u32 cfg_task_storage = 1;
const volatile u32 cfg_env = 0;
const volatile u32 cfg_cgroup_v1 = 0;
const volatile u64 cfg_ring_limit = (4 << 20) / 8 * 7;
const volatile u32 cfg_btf_task = 0;
const volatile u32 cfg_btf_binprm = 0;
const volatile u32 cfg_btf_cgroup = 0;
const volatile u32 cfg_btf_dentry = 0;
const volatile u32 cfg_btf_mount = 0;
const volatile u32 cfg_btf_file = 0;
const volatile u32 cfg_btf_seqcount = 0;
const volatile u32 cfg_btf_inode = 0;
const volatile u32 cfg_btf_fs = 0;
const volatile u64 cfg_rename_lock = 0;
const volatile u64 cfg_mount_lock = 0;
const volatile s32 cfg_iter_ubuf = -1;
const volatile s32 cfg_iter_iovec = -1;

volatile u32 run_reader_sleeps = 0;
volatile struct trigon_control run_control = {};

// GPL as the kernel reads it: helpers such as bpf_probe_read_kernel are for GPL-compatible programs only.
char LICENSE[] SEC("license") = "Dual BSD/GPL";
