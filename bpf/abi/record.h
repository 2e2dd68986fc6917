// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The records in the ring buffer. Each starts with struct trigon_record; variable data lies behind the fixed part and
// is named by spans (offset from the start of the record, length). Strings in spans carry no NUL unless it is said.
// All times are the boot clock (CLOCK_BOOTTIME), nanoseconds. pid is what user space calls a pid (the kernel's tgid),
// tid a thread's.
#ifndef TRIGON_ABI_RECORD_H
#define TRIGON_ABI_RECORD_H

#include "bpf/abi/limits.h"
#include "bpf/abi/types.h"

#if !defined(__cplusplus) || defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#endif

enum trigon_record_kind {
  TRIGON_REC_NONE = 0,
  TRIGON_REC_EXEC = 1,       // struct trigon_exec
  TRIGON_REC_EXEC_DATA = 2,  // struct trigon_exec_data, before the exec record that it belongs to
  TRIGON_REC_FORK = 3,       // struct trigon_fork
  TRIGON_REC_EXIT = 4,       // struct trigon_exit
  TRIGON_REC_SNAPSHOT = 5,   // struct trigon_exec, from the task iterator at start-up (not through the ring)
  TRIGON_REC_HOOK = 6,       // struct trigon_hook_event
  TRIGON_REC_CGROUP = 7,     // struct trigon_cgroup_event
  TRIGON_REC_HOOK_DATA = 8,  // struct trigon_hook_data, before the hook record that it belongs to
  TRIGON_REC_LOADER = 9,     // struct trigon_loader
  TRIGON_REC_KINDS = 16      // of which the books have room
};

// A process is (pid, start_ns of its thread group leader): a reused pid has another start time, and an exec by a
// thread that is not the leader keeps both (de_thread() hands over the leader's start time).
struct trigon_record {
  __u32 size;  // whole record, bytes
  __u16 kind;  // enum trigon_record_kind
  __u16 cpu;
  __u64 time_ns;
  __u64 start_ns;
  __u32 pid;
  __u32 tid;
  __u32 lost;  // records lost on this cpu so far (modulo 2^32): a step between two records of a cpu is a gap there
  __u32 abi;   // TRIGON_ABI_VERSION
};

struct trigon_span {
  __u32 off;  // bytes from the start of the record; 0 with len 0: absent
  __u32 len;
};

struct trigon_creds {
  __u32 uid, gid, suid, sgid, euid, egid, fsuid, fsgid;
  __u32 securebits;
  __u32 loginuid;  // 4294967295: unset
  __u32 sessionid;
  __u32 user_ns_level;
  __u32 user_ns_owner;
  __u32 user_ns_group;
  __u64 cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;
};

// Inode numbers of nsfs, 0 where the kernel has no such namespace.
struct trigon_namespaces {
  __u32 uts, ipc, mnt, pid, pid_for_children, net, time, time_for_children, cgroup, user;
};

struct trigon_file {
  __u64 inode;
  __u32 dev;  // kernel encoding: major << 20 | minor
  __u32 nlink;
  __u32 mode;  // i_mode
  __u32 generation;
  __u32 uid;
  __u32 gid;
};

// Facts of a process that its exec (or the snapshot) fixes.
struct trigon_task {
  __u64 parent_start_ns;
  __u32 parent_pid;
  __u32 ns_pid;        // pid in the process's own pid namespace
  __u64 cgroup_id;     // kernfs id
  __u32 cgroup_v1;     // 0: id is of the cgroup2 hierarchy, else 1 + index of the v1 subsystem it was taken from
  __u32 kernel_flags;  // task_struct.flags (PF_*)
  struct trigon_creds creds;
  struct trigon_namespaces ns;
};

enum trigon_exec_flags {
  TRIGON_EXEC_TRUNC_ARGS = 1 << 0,     // arguments were longer than TRIGON_MAX_ARGS, or their data record was lost
  TRIGON_EXEC_ERROR_ARGS = 1 << 1,     // arguments could not be read
  TRIGON_EXEC_TRUNC_ENV = 1 << 2,      //
  TRIGON_EXEC_ERROR_ENV = 1 << 3,      //
  TRIGON_EXEC_ROOT_CWD = 1 << 4,       // cwd is the process's root
  TRIGON_EXEC_NO_CWD = 1 << 5,         // no fs_struct
  TRIGON_EXEC_SECURE = 1 << 6,         // AT_SECURE: bprm->secureexec
  TRIGON_EXEC_SCRIPT = 1 << 7,         // bprm->interp differs from bprm->filename
  TRIGON_EXEC_BY_THREAD = 1 << 8,      // called by a thread that was not the leader; its tid is old_tid
  TRIGON_EXEC_RAISED_SETUID = 1 << 9,  // effective uid came from the file
  TRIGON_EXEC_RAISED_SETGID = 1 << 10,
  TRIGON_EXEC_RAISED_FILE_CAP = 1 << 11,
  TRIGON_EXEC_ARGS_DATA = 1 << 12,  // arguments are in a TRIGON_REC_EXEC_DATA record before this one
  TRIGON_EXEC_ENV_DATA = 1 << 13,
  TRIGON_EXEC_FDPATH = 1 << 14  // execveat of a descriptor: filename is /dev/fd/N
};

enum trigon_path_flags {
  TRIGON_PATH_UNLINKED = 1 << 0,      // no name left (i_nlink 0 or unhashed dentry)
  TRIGON_PATH_TRUNCATED = 1 << 1,     // more components or bytes than the limits
  TRIGON_PATH_DISCONNECTED = 1 << 2,  // no mount above and not the root (memfd, pipe, unmounted)
  TRIGON_PATH_ERROR = 1 << 3,         // a read failed
  TRIGON_PATH_PSEUDO = 1 << 4         // the only component is a pseudo file's name: "memfd:x"
};

// A path as the kernel resolved it, from the leaf up: each component followed by a NUL. Reversed because that needs no
// second copy in the kernel; event/path.h joins it.
struct trigon_path {
  struct trigon_span span;
  __u32 flags;  // enum trigon_path_flags
  __u32 components;
};

struct trigon_exec {
  struct trigon_record rec;
  struct trigon_task task;
  struct trigon_file file;
  struct trigon_path exe;       // file that was mapped: for a script its interpreter
  struct trigon_path cwd;       //
  struct trigon_span filename;  // as given to execve (bprm->filename): the script; no NUL
  struct trigon_span interp;    // bprm->interp, when it differs from filename; no NUL
  struct trigon_span args;      // NUL after each argument
  struct trigon_span env;       // NUL after each
  __u32 args_size;              // whole vector, bytes, before truncation
  __u32 env_size;
  __u32 flags;  // enum trigon_exec_flags
  __u32 old_tid;
};

enum trigon_exec_data_what { TRIGON_DATA_ARGS = 1, TRIGON_DATA_ENV = 2 };

// Reserved in one of a few fixed sizes (5.10 cannot reserve a variable one), so rec.size may exceed what is used.
struct trigon_exec_data {
  struct trigon_record rec;
  __u32 what;
  __u32 len;  // bytes used behind this structure
};

struct trigon_fork {
  struct trigon_record rec;  // of the child
  __u64 parent_start_ns;
  __u32 parent_pid;
  __u32 ns_pid;
  __u64 clone_flags;
  __u64 cgroup_id;
  __u32 cgroup_v1;
  __u32 has_ns;  // 1: ns differs from the parent's (a CLONE_NEW* flag was given)
  struct trigon_namespaces ns;
};

struct trigon_exit {
  struct trigon_record rec;  // tid: the last thread to go
  __u32 code;                // as wait(2) reports it: status << 8 | signal | 0x80 if core dumped
  __u32 thread_code;         // of the last thread
  __u64 run_ns;              // since the process started
};

// An executable mapping of a file (`loader`).
struct trigon_loader {
  struct trigon_record rec;
  struct trigon_file file;
  struct trigon_span path;      // forward, joined
  struct trigon_span build_id;  // absent: could not be read
  __u32 path_flags;
  __u32 pad;
};

enum trigon_cgroup_op { TRIGON_CGROUP_MKDIR = 1, TRIGON_CGROUP_RMDIR = 2 };

struct trigon_cgroup_event {
  struct trigon_record rec;
  __u64 id;
  __u32 op;
  __u32 hierarchy;          // cgroup_root.hierarchy_id; 0 is cgroup2's
  struct trigon_span path;  // from the hierarchy's root, no NUL
};

enum trigon_field_flags {
  TRIGON_FIELD_UNREADABLE = 1 << 0,  // the value could not be read: unknown, never empty
  TRIGON_FIELD_TRUNCATED = 1 << 1    // longer than what was kept
};

struct trigon_field {
  __u8 type;   // enum trigon_arg_type (abi/policy.h)
  __u8 flags;  // enum trigon_field_flags
  __u16 path_flags;
  __u32 size;               // original size in bytes, for buffers; i_mode, for paths; else 0
  __u64 value;              // the register, or the member that `resolve` led to
  struct trigon_span data;  // strings, buffers, addresses, paths (forward, joined), the structures below
};

// Addresses are 16 bytes in network order; IPv4 as ::ffff:a.b.c.d. Ports are in host order.
struct trigon_sock {
  __u64 cookie;  // kernel address of the struct sock
  __u8 saddr[16];
  __u8 daddr[16];
  __u32 mark;
  __u32 priority;
  __u16 family;
  __u16 type;
  __u16 protocol;
  __u16 sport;
  __u16 dport;
  __u8 state;
  __u8 pad[5];
};

struct trigon_skb {
  __u8 saddr[16];
  __u8 daddr[16];
  __u32 hash;
  __u32 len;
  __u32 priority;
  __u32 mark;
  __u16 sport;
  __u16 dport;
  __u16 family;    // 0: the packet is neither IPv4 nor IPv6
  __u16 protocol;  // of the transport (IPPROTO_*)
  __u32 secpath_len;
  __u32 secpath_olen;
};

struct trigon_user_ns {
  __s32 level;
  __u32 owner;
  __u32 group;
  __u32 inode;
};

struct trigon_module {
  char name[64];    // MODULE_NAME_LEN (linux/module.h) at its largest
  __u64 taints;     // bit numbers of linux/panic.h
  __u32 signed_ok;  // 1: signature verified, 0: not, 2: the kernel cannot tell (CONFIG_MODULE_SIG)
  __u32 pad;
};

struct trigon_bpf_prog {
  char name[16];
  __u32 type;
  __u32 instructions;
};

struct trigon_bpf_map {
  char name[16];
  __u32 type;
  __u32 key_size;
  __u32 value_size;
  __u32 max_entries;
};

struct trigon_perf_event {
  char function[64];  // of a kprobe or uprobe; empty: none
  __u64 config;
  __u64 probe_offset;
  __u32 type;
  __u32 pad;
};

enum trigon_hook_event_flags {
  TRIGON_HOOK_RETURN = 1 << 0,        // entry and return are joined in it
  TRIGON_HOOK_ENTRY_LOST = 1 << 1,    // the entry's values did not fit where they wait for the return
  TRIGON_HOOK_OTHER_POLICY = 1 << 2,  // policies changed between entry and return: the return filters were not asked
  TRIGON_HOOK_TRACKED = 1 << 3,       // rec.pid is whose socket it is (TrackSock), not who runs
  TRIGON_HOOK_MONITORED = 1 << 4,     // an enforcing action was held back by its policy's mode
  TRIGON_HOOK_SIGNALLED = 1 << 5,     // a signal was sent (signal_error 0)
  TRIGON_HOOK_OVERRIDDEN = 1 << 6     // `error` was the hook's answer
};

struct trigon_hook_event {
  struct trigon_record rec;
  __u32 generation;                 // of the tables that decided
  __u16 hook;                       // slot in them; of a joined event the entry's
  __u16 matches;                    // selectors in match[]
  __u32 syscall;                    // number, as the ABI counts
  __u16 syscall_abi;                // enum trigon_syscall_abi
  __s16 signal_error;               // 0 or -errno of the signal that an action sent
  __u32 fields;                     // entry fields, then those of the return
  __u32 entry_fields;               // of them
  __u32 uid;                        // effective
  __u16 flags;                      // enum trigon_hook_event_flags
  __s16 error;                      // negative errno that was answered (TRIGON_HOOK_OVERRIDDEN)
  __u64 ip;                         // of the function or probe, where several share a slot; 0: not told
  struct trigon_span kernel_stack;  // __u64 addresses, innermost first
  struct trigon_span user_stack;
  struct trigon_span ima;           // first byte: enum hash_algo of the kernel; the digest
  __u16 match[TRIGON_MAX_MATCHES];  // selector numbers at this hook
  struct trigon_field field[TRIGON_MAX_FIELDS];
};

// The bytes of a field with TRIGON_CONF_MAX_DATA beyond what the record holds; before the hook record of the same
// thread that it belongs to. Reserved like struct trigon_exec_data.
struct trigon_hook_data {
  struct trigon_record rec;
  __u32 field;
  __u32 offset;  // of these bytes in the whole
  __u32 len;     // bytes used behind this structure
  __u32 pad;
};

// Per-CPU, one entry: the books. Kept by XADD beside the only function that writes to the ring.
struct trigon_counters {
  __u64 produced[TRIGON_REC_KINDS];  // attempts
  __u64 lost[TRIGON_REC_KINDS];      // of those, refused by a full ring
  __u64 lost_total;
  __u64 match_overflow;   // events that matched more than TRIGON_MAX_MATCHES policies
  __u64 state_failures;   // process state that could not be stored
  __u64 signals;          // sent by actions
  __u64 signal_failures;  //
  __u64 overrides;        // answered with an error by actions
  __u64 scratch_busy;     // events not looked at, because all scratch of this cpu was in use (nested hooks); they count
                          // as produced and lost
  __u64 pending_full;     // entries that could not wait for their return; they count as produced and lost
  __u64 rate_limited;     // events not written because of rateLimit
};

#if !defined(__cplusplus) || defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#endif
