// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Every map. They are weak, so that each program file carries the definition and the linker keeps one and checks that
// all agree. Entries of the arrays with two halves: see bpf/abi/policy.h.
#ifndef TRIGON_LIB_BASE_MAPS_H
#define TRIGON_LIB_BASE_MAPS_H

#include "bpf/abi/policy.h"
#include "bpf/abi/record.h"
#include "bpf/lib/base/bpf.h"

#define TRIGON_MAP SEC(".maps") __weak

// All records. User space sets the size before loading.
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4 << 20);
} tri_ring TRIGON_MAP;

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct trigon_counters);
} tri_counters TRIGON_MAP;

// Process state. Exactly one of the two is created.
struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct trigon_task_state);
} tri_task TRIGON_MAP;

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 32768);
  __type(key, u32);
  __type(value, struct trigon_task_state);
} tri_task_hash TRIGON_MAP;

// By number, [parity][number].
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2 * TRIGON_MAX_SYSCALLS);
  __type(key, u32);
  __type(value, struct trigon_syscall);
} tri_syscalls TRIGON_MAP;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2 * TRIGON_MAX_HOOKS);
  __type(key, u32);
  __type(value, struct trigon_hook);
} tri_hooks TRIGON_MAP;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2 * TRIGON_MAX_VECTORS);
  __type(key, u32);
  __type(value, struct trigon_vector);
} tri_vectors TRIGON_MAP;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2 * TRIGON_MAX_SELECTOR_META);
  __type(key, u32);
  __type(value, struct trigon_selector);
} tri_selectors TRIGON_MAP;

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1 << 16);
  __type(key, struct trigon_number_key);
  __type(value, u32);
} tri_numbers TRIGON_MAP;

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1 << 16);
  __type(key, struct trigon_range_key);
  __type(value, u32);
} tri_ranges TRIGON_MAP;

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 1 << 16);
  __type(key, struct trigon_prefix_key);
  __type(value, struct trigon_prefix_value);
} tri_prefixes TRIGON_MAP;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2 * TRIGON_MAX_SELECTOR_META);
  __type(key, u32);
  __type(value, struct trigon_selector_stats);
} tri_stats TRIGON_MAP;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, TRIGON_MAX_POLICIES);
  __type(key, u32);
  __type(value, struct trigon_policy_state);
} tri_policies TRIGON_MAP;

// What the path of a file decided last time (lib/match/file.h).
struct base_file_key {
  u64 dentry;
  u64 mnt;
};

struct base_file {
  u32 generation;
  u32 renames;
  u32 mounts;
  u32 mode;
  u32 class;
  u32 class_post;
  u64 inode;
  u64 number;
  u64 name;  // d_name.hash_len
  u64 parent;
  u64 parent_number;
  u64 root_dentry;
  u64 root_mnt;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, struct base_file_key);
  __type(value, struct base_file);
} tri_files TRIGON_MAP;

// rateLimit: when an event was last written.
struct base_rate_key {
  u64 hash;  // of the event's values
  u32 selector;
  u32 scope;  // thread, process or 0
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, struct base_rate_key);
  __type(value, u64);
} tri_rates TRIGON_MAP;

// TrackSock: whose socket it is.
struct base_owner {
  u64 start_ns;
  u32 pid;
  u32 tid;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, u64);  // struct sock *
  __type(value, struct base_owner);
} tri_socks TRIGON_MAP;

// NotifyEnforcer: what waits for a thread's enforcer.
struct base_notification {
  s16 error;
  u16 signal;
  u32 generation;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1024);
  __type(key, u64);  // pid << 32 | tid
  __type(value, struct base_notification);
} tri_notified TRIGON_MAP;

#endif
