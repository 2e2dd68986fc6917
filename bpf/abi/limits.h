// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Every bound that both sides rely on, with its reason.
#ifndef TRIGON_ABI_LIMITS_H
#define TRIGON_ABI_LIMITS_H

// Path components walked from a dentry to its root, mounts included. The kernel accepts 2,048 (PATH_MAX of "a/").
// Without bpf_loop (before 5.17) the verifier explores every iteration, and 96 keeps a program under a tenth of its
// budget.
#define TRIGON_MAX_PATH_COMPONENTS 2048
#define TRIGON_MAX_PATH_UNROLLED 96
// NAME_MAX of every Linux file system, plus the NUL.
#define TRIGON_MAX_NAME 256
// PATH_MAX (limits.h of the kernel). Also the size of a string argument.
#define TRIGON_MAX_PATH 4096

// Arguments carried inside the exec record; longer vectors follow in TRIGON_REC_EXEC_DATA. Median argument vectors are
// under 200 bytes; 2 KiB keeps the per-CPU scratch small.
#define TRIGON_EXEC_INLINE_ARGS 2048
// MAX_ARG_STRLEN (binfmts.h: 32 pages): the longest argument vector that is reported.
#define TRIGON_MAX_ARGS 131072
// Environment reported when asked for; the same reserve classes as arguments.
#define TRIGON_MAX_ENV 131072

// Values read for one event, over all policies at the hook: five arguments and five data entries of one policy, and
// what others read of the same call in other ways.
#define TRIGON_MAX_FIELDS 16
// Arguments that a program has at hand: six of a system call, up to twelve of a traced function (MAX_BPF_FUNC_ARGS in
// include/linux/bpf.h); sixteen, so that a masked index is in bounds.
#define TRIGON_MAX_ARGS_IN_WORK 16
// Pointers followed from an argument to a member (`resolve`): ten levels, as the policy language allows, and the last
// offset.
#define TRIGON_MAX_RESOLVE 11
// Dimensions (field or process attribute, kind of look-up) of one hook.
#define TRIGON_MAX_DIMS 32
// Selectors at one hook, over all policies. The bit vector has this many bits.
#define TRIGON_MAX_SELECTORS 1024
#define TRIGON_VEC_WORDS (TRIGON_MAX_SELECTORS / 64)
// Selectors that one event can match and report (first match per policy, so: policies per event).
#define TRIGON_MAX_MATCHES 32
// Hooks with a table at the same time, per generation.
#define TRIGON_MAX_HOOKS 512
// Distinct bit vectors per generation, a power of two. A value that one selector names has a vector for each set of
// selectors that do not care about the dimension: 1,024 selectors with eight such sets at one hook. 128 bytes each.
#define TRIGON_MAX_VECTORS 8192
// Selectors over all hooks, per generation.
#define TRIGON_MAX_SELECTOR_META 8192
// System call numbers per ABI. x86_64, i386 and arm64 end at about 470 in Linux 7.0; x32 has its own from 512 to 547.
#define TRIGON_MAX_SYSCALLS 1024

// Bytes of a string that the tries compare. BPF_MAP_TYPE_LPM_TRIE takes keys of 256 bytes (LPM_DATA_SIZE_MAX in
// kernel/bpf/lpm_trie.c); 4 of them hold the dimension and one the NUL of an exact value.
#define TRIGON_LPM_BYTES 252
#define TRIGON_MAX_STRING_VALUE 247
// Longer values are cut into pieces of this size, each leading to the next (struct trigon_prefix_value.next).
#define TRIGON_TRIE_CHUNK 248
// Pieces of a value of TRIGON_MAX_PATH bytes, and of the longest that policies may name (PATH_MAX without the NUL).
#define TRIGON_MAX_CHUNKS 17
#define TRIGON_MAX_VALUE 4095
// Frames of a stack trace (PERF_MAX_STACK_DEPTH, include/uapi/linux/perf_event.h).
#define TRIGON_MAX_STACK 127
// Policies in force at the same time: each has a mode and books of its own.
#define TRIGON_MAX_POLICIES 4096
// Sets of binaries whose descendants are followed (bits of trigon_task_state.children).
#define TRIGON_MAX_CHILD_SETS 128

// Pids that followForks can follow at the same time (bits of trigon_task_state.follow).
#define TRIGON_MAX_FOLLOW 63
// The bit for `trigon trace -- command`.
#define TRIGON_FOLLOW_TRACE 63
// Ancestors searched for a followed pid when a process is first seen by a policy.
#define TRIGON_MAX_ANCESTOR_WALK 32

#endif
