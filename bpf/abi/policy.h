// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What policies become: tables that one program per hook point reads (docs/decisions/0002-policies-are-data.md).
//
// The selectors of all policies at a hook are numbered 0…N-1 (those of one policy's hook entry consecutively, in the
// order of the file). For every dimension that any of them restricts, a look-up maps the value to the bit vector of
// selectors that accept it. A vector is named by its number in tri_vectors; number 0 is "nobody". The event's answer
// is the AND over the dimensions; a selector that does not restrict a dimension has its bit in every vector of it.
//
// Two generations live side by side. Arrays are halved: entry i of generation g is at (g & 1) * MAX + i. Hash and trie
// keys carry the dimension's number, which is unique over both generations. Flipping tri_control.generation publishes
// a set of tables; a program reads it once per event, so an event sees the old set or the new one, never a mixture.
#ifndef TRIGON_ABI_POLICY_H
#define TRIGON_ABI_POLICY_H

#include "bpf/abi/limits.h"
#include "bpf/abi/types.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"

enum trigon_syscall_abi { TRIGON_ABI_NATIVE = 0, TRIGON_ABI_COMPAT32 = 1, TRIGON_ABI_X32 = 2, TRIGON_ABIS = 3 };

// Slot + 1 of the hook of a system call, by ABI; 0: none. One look-up tells whether a number is hooked at all.
struct trigon_syscall {
  __u16 slot[4];  // enum trigon_syscall_abi; the last is unused
};

// How a field is read. One name may serve several policy types (int32 and sint32 are both INT32).
enum trigon_arg_type {
  TRIGON_ARG_NONE = 0,
  TRIGON_ARG_INT32 = 1,     // sign-extended from 32 bits
  TRIGON_ARG_UINT32 = 2,    // zero-extended from 32 bits
  TRIGON_ARG_INT64 = 3,     //
  TRIGON_ARG_UINT64 = 4,    // also size_t
  TRIGON_ARG_STRING = 5,    // user string, up to TRIGON_MAX_PATH
  TRIGON_ARG_FD = 6,        // resolved through the process's own table to a path
  TRIGON_ARG_CHAR_BUF = 7,  // user bytes; size from argument size_arg
  TRIGON_ARG_SOCKADDR = 8,  // user struct sockaddr; size from argument size_arg
  TRIGON_ARG_SYSCALL = 9,   // the number itself; value = number | 0x80000000 when 32-bit (facts: syscall64)
  TRIGON_ARG_INT16 = 10,
  TRIGON_ARG_UINT16 = 11,
  TRIGON_ARG_INT8 = 12,
  TRIGON_ARG_UINT8 = 13,
  TRIGON_ARG_TYPES = 14
};

// What is read into a field before matching.
struct trigon_field_conf {
  __u8 type;      // enum trigon_arg_type
  __u8 arg;       // register 0…5; ignored for TRIGON_ARG_SYSCALL
  __u8 size_arg;  // 1 + register that holds the size, 0: none (CHAR_BUF then takes nothing)
  __u8 pad;
  __u32 max;  // bytes kept of a string or buffer, at most TRIGON_MAX_PATH
};

// Where the value of a dimension comes from.
enum trigon_source {
  TRIGON_SRC_FIELD = 0,       // fields[field]
  TRIGON_SRC_PID = 1,         // pid in the initial namespace
  TRIGON_SRC_NS_PID = 2,      // pid in the process's own namespace
  TRIGON_SRC_FOLLOW = 3,      // bits of the followed pids that this process is or descends from
  TRIGON_SRC_BINARY = 4,      // class of the binary's path among exact and prefix values
  TRIGON_SRC_BINARY_POST = 5  // class of its reversed path among postfix values
};

// How a value becomes a vector.
enum trigon_lookup {
  TRIGON_LOOKUP_EQ = 0,      // tri_numbers {dim, value}; miss: dflt
  TRIGON_LOOKUP_RANGE = 1,   // tri_ranges, longest prefix over the value's 64 bits, big endian; signed values have
                             // their sign bit flipped (conf.flip); miss: dflt
  TRIGON_LOOKUP_MASK = 2,    // OR of tri_numbers {dim, bit number} over the set bits of value & mask, and dflt
  TRIGON_LOOKUP_PREFIX = 3,  // tri_prefixes over the bytes and a final NUL: exact values end in the NUL
  // Both: an entry with vector 0 reads as a miss, so that the compiler writes another empty vector instead.
  TRIGON_LOOKUP_POSTFIX = 4,  // tri_prefixes over the reversed bytes and a final NUL
  TRIGON_LOOKUPS = 5
};

struct trigon_dim {
  __u8 source;       // enum trigon_source
  __u8 field;        // for TRIGON_SRC_FIELD
  __u8 lookup;       // enum trigon_lookup
  __u8 flip;         // 1: flip bit 63 before a range look-up (signed type)
  __u32 dim;         // number of the dimension in the shared tables
  __u32 dflt;        // vector when nothing is found
  __u32 unreadable;  // vector when the field could not be read: negated filters accept, positive ones do not
  __u64 mask;        // TRIGON_LOOKUP_MASK: bits that any selector looks at
};

// Dimension 0 is never used; numbers count up over generations. Two dimensions of a generation belong to the process,
// not to a hook: trigon_control.binary_dim (exact and prefix values of matchBinaries) and the number after it (postfix
// values, reversed). They are looked up once per image and generation, and their entries in tri_prefixes carry a class
// number (1…) instead of a vector number; hooks then look the class up like any number.

// One hook point's tables in one generation.
struct trigon_hook {
  __u16 words;      // of a vector that are in use: (selectors + 63) / 64
  __u16 fields;     // entries of field[], in the order they are read: cheap and restricted ones first
  __u16 dims;       // entries of dim[]; those with a process source first, then by field
  __u16 selectors;  //
  __u32 sel_base;   // first entry of tri_selectors
  __u32 all;        // vector with the bits of all selectors
  struct trigon_field_conf field[TRIGON_MAX_FIELDS];
  struct trigon_dim dim[TRIGON_MAX_DIMS];
};

enum trigon_action_flags {
  TRIGON_ACT_POST = 1 << 0,    // an event is written
  TRIGON_ACT_SIGNAL = 1 << 1,  // `signal` is sent to the process
  TRIGON_ACT_MONITOR = 1 << 2  // the policy is in monitor mode: signals are not sent (counted all the same)
};

struct trigon_selector {
  __u16 actions;  // enum trigon_action_flags
  __u16 signal;
  __u16 spec_end;    // selectors below this number and not below spec_begin belong to the same hook entry of a policy:
  __u16 spec_begin;  // the first that matches wins, the others are cleared
};

// One entry, one per generation for what differs: what a program reads first.
struct trigon_control {
  __u32 generation;        // 0: no policy has been loaded yet
  __u32 follow_active;     // some policy or trace follows processes: forks inherit trigon_task_state.follow
  __u32 raw_hook[2];       // slot + 1 of the raw_syscalls/sys_enter hook per generation parity, 0: none
  __u32 follow_count;      // entries of follow_pid in use
  __u32 follow_epoch;      // changes when follow_pid does: bits of another epoch mean other pids
  __u32 follow_pid[64];    // followForks values; bit i of trigon_task_state.follow stands for follow_pid[i]
  __u64 follow_is_ns_pid;  // bit i: follow_pid[i] is a namespace pid
  __u32 binary_dim[2];     // per parity: see above; 0: no policy restricts binaries
  __u32 trace_only;        // 1: only processes with bit TRIGON_FOLLOW_TRACE are looked at
  __u32 self_pid;          // the agent: never looked at
};

// Per process, in task storage of the group leader (or a hash map by pid). Recomputed when generation differs.
struct trigon_task_state {
  __u32 generation;
  __u32 binary;       // class among exact and prefix values, 0: none
  __u32 binary_post;  // class among postfix values
  __u32 known;        // follow is complete (inherited or searched) for this follow_epoch; 0: not
  __u64 follow;       // bits
  __u64 start_ns;     // of the process this belongs to: the hash map outlives a pid
};

// Dimensions of tri_numbers that belong to no generation: pid -> bit of trigon_task_state.follow. The engine fills them
// from control.follow_pid. Those of policies start at TRIGON_DIM_FIRST.
#define TRIGON_DIM_FOLLOW_PID 1
#define TRIGON_DIM_FOLLOW_NS_PID 2
#define TRIGON_DIM_FIRST 16

struct trigon_number_key {
  __u32 dim;
  __u32 pad;
  __u64 value;
};

// Big-endian, most significant bit first, as BPF_MAP_TYPE_LPM_TRIE wants it. prefixlen counts dim's 32 bits too.
struct trigon_range_key {
  __u32 prefixlen;
  __u32 dim;
  __u8 value[8];
};

struct trigon_prefix_key {
  __u32 prefixlen;  // 32 + 8 * bytes
  __u32 dim;
  __u8 data[TRIGON_LPM_BYTES];
};

struct trigon_vector {
  __u64 word[TRIGON_VEC_WORDS];
};

#pragma GCC diagnostic pop

#endif
