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
//
// Slots of hooks outlive generations: the program of a function, tracepoint or probe has its slot and the values that
// it reads in .rodata (struct trigon_field_conf). A hook whose fields change gets a new slot and a new program; the old
// program finds its slot empty from the flip on. System calls share one program, which takes its fields from the table.
//
// A hook with a return phase has a second slot for it. Selectors have the same numbers in both: what the entry phase
// leaves over (selectors with TRIGON_ACT_RETURN) is where the return phase starts from.
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

// How a field is read and what lies in the record for it. One name may serve several policy types (int32 and sint32 are
// both INT32). Structures behind a name are those of abi/record.h, in the field's data.
enum trigon_arg_type {
  TRIGON_ARG_NONE = 0,
  TRIGON_ARG_INT32 = 1,     // sign-extended from 32 bits
  TRIGON_ARG_UINT32 = 2,    // zero-extended from 32 bits
  TRIGON_ARG_INT64 = 3,     //
  TRIGON_ARG_UINT64 = 4,    // also size_t
  TRIGON_ARG_STRING = 5,    // of the user or of the kernel, whichever the address says; up to TRIGON_MAX_PATH
  TRIGON_ARG_FD = 6,        // resolved through the process's own table to a path; field.size is i_mode
  TRIGON_ARG_CHAR_BUF = 7,  // bytes; size from argument size_arg
  TRIGON_ARG_SOCKADDR = 8,  // struct sockaddr, of the user or of the kernel; size from size_arg, 0: by its family
  TRIGON_ARG_SYSCALL = 9,   // the number itself; value = number | 0x80000000 when 32-bit (facts: syscall64)
  TRIGON_ARG_INT16 = 10,
  TRIGON_ARG_UINT16 = 11,
  TRIGON_ARG_INT8 = 12,
  TRIGON_ARG_UINT8 = 13,
  // Kernel objects, from here on: value is the pointer.
  TRIGON_ARG_FILENAME = 14,    // struct filename: its string
  TRIGON_ARG_NET_DEVICE = 15,  // name
  TRIGON_ARG_DATA_LOC = 16,    // string of a tracepoint's record; value is the __data_loc word
  TRIGON_ARG_FILE = 17,        // path; field.size is i_mode
  TRIGON_ARG_PATH = 18,        // struct path: the same
  TRIGON_ARG_DENTRY = 19,      // path below the file system's root, no mounts crossed
  TRIGON_ARG_KIOCB = 20,       // ki_filp, as FILE
  TRIGON_ARG_BINPRM = 21,      // bprm->file, as FILE
  TRIGON_ARG_CHAR_IOVEC = 22,  // user iovec array; size_arg: number of entries; the bytes joined
  TRIGON_ARG_IOV_ITER = 23,    // the bytes of its first segment
  TRIGON_ARG_SKB = 24,         // struct trigon_skb
  TRIGON_ARG_SOCK = 25,        // struct trigon_sock
  TRIGON_ARG_SOCKET = 26,      // socket->sk, as SOCK
  TRIGON_ARG_CRED = 27,        // struct trigon_creds
  TRIGON_ARG_USER_NS = 28,     // struct trigon_user_ns
  TRIGON_ARG_CAP_SET = 29,     // kernel_cap_t behind a pointer; value is the mask
  TRIGON_ARG_LOAD_INFO = 30,   // struct trigon_module
  TRIGON_ARG_MODULE = 31,      // struct trigon_module
  TRIGON_ARG_BPF_ATTR = 32,    // struct trigon_bpf_prog
  TRIGON_ARG_BPF_PROG = 33,    // struct trigon_bpf_prog
  TRIGON_ARG_BPF_MAP = 34,     // struct trigon_bpf_map
  TRIGON_ARG_PERF_EVENT = 35,  // struct trigon_perf_event
  TRIGON_ARG_CONST_BUF = 36,   // conf.max bytes of a tracepoint's record, as they are
  TRIGON_ARG_TYPES = 37
};

// Where a field's value comes from.
enum trigon_arg_source {
  TRIGON_FROM_ARG = 0,     // argument conf.arg: a register, a parameter, a USDT operand
  TRIGON_FROM_RETURN = 1,  // the return value
  TRIGON_FROM_TASK = 2,    // the current task_struct
  TRIGON_FROM_REG = 3,     // member of pt_regs at byte offset off[0]
  TRIGON_FROM_RECORD = 4,  // conf.size bytes at off[0] of a classic tracepoint's record
  // Operands of a USDT (the engine makes them of FROM_ARG, for each place of the probe).
  TRIGON_FROM_CONST = 5,   // off[0] | off[1] << 32
  TRIGON_FROM_OPERAND = 6  // struct trigon_operand in off[]: a register, or memory that registers lead to
};

// In off[] of a field with TRIGON_FROM_OPERAND.
enum trigon_operand {
  TRIGON_OPERAND_BASE = 0,   // 1 + byte offset of the register in pt_regs, 0: none
  TRIGON_OPERAND_SHIFT = 1,  // bits that its value is shifted right (ah, bh, …)
  TRIGON_OPERAND_INDEX = 2,  // 1 + byte offset of the index register, 0: none
  TRIGON_OPERAND_SCALE = 3,  // of the index
  TRIGON_OPERAND_LOW = 4,    // displacement, 64 bits in two halves
  TRIGON_OPERAND_HIGH = 5    // with TRIGON_CONF_LOAD: what lies there; else the sum itself
};

enum trigon_field_conf_flags {
  TRIGON_CONF_AT_RETURN = 1 << 0,  // read in the return phase (returnCopy, returnArg)
  TRIGON_CONF_MAX_DATA = 1 << 1,   // the bytes beyond the record follow in TRIGON_REC_HOOK_DATA records before it
  TRIGON_CONF_LOAD = 1 << 2,    // the last offset is that of a scalar or pointer to be loaded (`size` bytes); without,
                                // the address itself is the value (an embedded structure or array)
  TRIGON_CONF_SIGNED = 1 << 3,  // what is loaded is sign-extended
  TRIGON_CONF_RESULT = 1 << 4   // system calls: the result itself (source TRIGON_FROM_RETURN); arg is ignored
};

// What is read into a field before matching.
struct trigon_field_conf {
  __u8 type;      // enum trigon_arg_type
  __u8 source;    // enum trigon_arg_source
  __u8 arg;       // argument, from 0; ignored for TRIGON_ARG_SYSCALL
  __u8 size_arg;  // 1 + argument that holds the size, 0: none (CHAR_BUF then takes nothing; with RETURN the result)
  __u8 flags;     // enum trigon_field_conf_flags
  __u8 steps;     // entries of off[] in use; 0: the argument itself
  __u8 size;      // bytes that TRIGON_CONF_LOAD or TRIGON_FROM_RECORD read: 1, 2, 4 or 8
  __u8 bits;      // width of a bit-field at bit_off, 0: not one
  __u8 bit_off;   // lowest bit, of the loaded value
  __u8 pad[3];
  __u32 max;                      // bytes kept of a string or buffer, at most TRIGON_MAX_PATH
  __u32 off[TRIGON_MAX_RESOLVE];  // `resolve`: at each but the last a pointer is loaded
};

// The part of it that a system call's field needs.
struct trigon_syscall_field {
  __u8 type;
  __u8 arg;
  __u8 size_arg;
  __u8 flags;
  __u32 max;
};

// Where the value of a dimension comes from.
enum trigon_source {
  TRIGON_SRC_FIELD = 0,         // fields[field], its `part`
  TRIGON_SRC_PID = 1,           // pid in the initial namespace
  TRIGON_SRC_NS_PID = 2,        // pid in the process's own namespace
  TRIGON_SRC_FOLLOW = 3,        // bits of the followed pids that this process is or descends from
  TRIGON_SRC_BINARY = 4,        // class of the binary's path among exact and prefix values
  TRIGON_SRC_BINARY_POST = 5,   // class of its reversed path among postfix values
  TRIGON_SRC_PARENT = 6,        // the same of the parent's binary
  TRIGON_SRC_PARENT_POST = 7,   //
  TRIGON_SRC_CHILDREN = 8,      // trigon_task_state.children[field]: sets that it or an ancestor's binary is in
  TRIGON_SRC_NAMESPACE = 9,     // inode number of namespace `field` (enum trigon_ns) of the current task
  TRIGON_SRC_NS_CHANGES = 10,   // bits (1 << enum trigon_ns) that differ from those at exec or when first seen
  TRIGON_SRC_CAPS = 11,         // capability set `field` (enum trigon_cap_set) of the current task
  TRIGON_SRC_CAP_CHANGES = 12,  // bits of set `field` that differ from those at exec or when first seen
  TRIGON_SRC_CRED = 13,         // id `field` (enum trigon_cred_id) of the current task
  TRIGON_SRC_WORKLOAD = 14      // vector of the current cgroup: tri_numbers {dim, cgroup id} (LOOKUP_EQ)
};

enum trigon_ns {
  TRIGON_NS_UTS = 0,
  TRIGON_NS_IPC = 1,
  TRIGON_NS_MNT = 2,
  TRIGON_NS_PID = 3,
  TRIGON_NS_PID_FOR_CHILDREN = 4,
  TRIGON_NS_NET = 5,
  TRIGON_NS_TIME = 6,
  TRIGON_NS_TIME_FOR_CHILDREN = 7,
  TRIGON_NS_CGROUP = 8,
  TRIGON_NS_USER = 9,
  TRIGON_NAMESPACES = 10
};

enum trigon_cap_set {
  TRIGON_CAP_EFFECTIVE = 0,
  TRIGON_CAP_INHERITABLE = 1,
  TRIGON_CAP_PERMITTED = 2,
  TRIGON_CAP_SETS = 3
};

// In the order of struct cred.
enum trigon_cred_id {
  TRIGON_CRED_UID = 0,
  TRIGON_CRED_GID = 1,
  TRIGON_CRED_SUID = 2,
  TRIGON_CRED_SGID = 3,
  TRIGON_CRED_EUID = 4,
  TRIGON_CRED_EGID = 5,
  TRIGON_CRED_FSUID = 6,
  TRIGON_CRED_FSGID = 7,
  TRIGON_CRED_IDS = 8
};

// What of a field is compared.
enum trigon_part {
  TRIGON_PART_VALUE = 0,            // its value, or its data as a string
  TRIGON_PART_PATH_CLASS = 1,       // class of a path among the generation's exact and prefix values (control.path_dim)
  TRIGON_PART_PATH_CLASS_POST = 2,  // class among the postfix values
  TRIGON_PART_FILE_TYPE = 3,        // i_mode >> 12
  TRIGON_PART_GAINED = 4,  // bits of fields[field] that are not in fields[field2]; evaluated when both are read
  // Of sock, socket, skb and sockaddr fields. Of one that has none (AF_UNIX has no port): `absent`.
  TRIGON_PART_FAMILY = 5,
  TRIGON_PART_PROTOCOL = 6,
  TRIGON_PART_STATE = 7,
  TRIGON_PART_SPORT = 8,
  TRIGON_PART_DPORT = 9,
  TRIGON_PART_SADDR = 10,  // 16 bytes, IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2)
  TRIGON_PART_DADDR = 11,
  TRIGON_PARTS = 12
};

// How a value becomes a vector.
enum trigon_lookup {
  TRIGON_LOOKUP_EQ = 0,         // tri_numbers {dim, value}; miss: dflt. mask: bit (value & 63) of every entry is set
  TRIGON_LOOKUP_RANGE = 1,      // tri_ranges, longest prefix over the value's 64 bits, big endian; signed values have
                                // their sign bit flipped (conf.flip); miss: dflt. Addresses: over their 128 bits
  TRIGON_LOOKUP_MASK = 2,       // dflt OR those of tri_numbers {dim, bit number} over the set bits of value & mask
  TRIGON_LOOKUP_PREFIX = 3,     // tri_prefixes over the bytes and a final NUL: exact values end in the NUL
  TRIGON_LOOKUP_POSTFIX = 4,    // tri_prefixes over the reversed bytes and a final NUL
  TRIGON_LOOKUP_NOMASK = 5,     // dflt without those of tri_numbers {dim, bit number} over the set bits
  TRIGON_LOOKUP_SUBSTRING = 6,  // an Aho-Corasick automaton over the bytes; see below
  TRIGON_LOOKUP_EITHER = 7,     // a binary by its path's class (dim) or by its file's (dim + 1); see below
  TRIGON_LOOKUPS = 8
};

// TRIGON_LOOKUP_SUBSTRING: states are numbers, 0 is the root. tri_numbers {dim, state << 8 | byte} is the state after
// `byte` (none: go on from the failure state with the same byte; at the root, stay there). tri_numbers {dim + 1, state}
// is the failure state (none: the root), {dim + 2, state} the vector of whoever is content when the state is reached,
// the states on its failure chain included (none: nobody). The answer is dflt OR all of those passed. flip 1: letters
// A-Z are compared as a-z.
//
// TRIGON_LOOKUP_EITHER: a = EQ on `dim` of the class by path (miss: dflt); when the file itself has a class
// (trigon_task_state.binary_file, not 0) b = EQ on `dim + 1` of that class (miss: dflt), and the answer is
// (a & b) | ((a | b) & extra): `extra` is the vector of selectors whose filter is positive. Else the answer is a.

struct trigon_dim {
  __u8 source;  // enum trigon_source
  __u8 field;   // for TRIGON_SRC_FIELD; for others the member, see enum trigon_source
  __u8 lookup;  // enum trigon_lookup
  __u8 flip;    // RANGE: 1: flip bit 63 before the look-up (signed type)
  __u8 part;    // enum trigon_part
  __u8 field2;  // TRIGON_PART_GAINED
  __u16 pad;
  __u32 dim;         // number of the dimension in the shared tables
  __u32 dflt;        // vector when nothing is found
  __u32 unreadable;  // vector when the field could not be read: negated filters accept, positive ones do not
  __u32 extra;       // EITHER: see there. Socket parts: vector when there is no such thing (nobody who asks for it)
  __u64 mask;        // MASK, NOMASK: bits that any selector looks at. EQ: see there
};

// Dimension 0 is never used; numbers count up over generations. Some dimensions of a generation belong to files and not
// to a hook: trigon_control.path_dim (exact and prefix values of path-like arguments and of binaries), the number
// after it (postfix values, reversed), and trigon_control.file_dim: tri_numbers {dim, device, inode} of the files that
// exact values of matchBinaries name. What is found there is a class number (1…), not a vector; a hook then looks the
// class up like any number. A binary is classified once per image and generation, a path once per file (tri_files).

// One hook point's tables in one generation.
struct trigon_hook {
  __u16 words;          // of a vector that are in use: (selectors + 63) / 64
  __u16 fields;         // entries of field[], in the order they are read: cheap and restricted ones first
  __u16 dims;           // entries of dim[]; those with a process source first, then by field
  __u16 selectors;      // 0: nobody uses this hook in this generation
  __u32 sel_base;       // first entry of tri_selectors
  __u32 all;            // vector with the bits of all selectors
  __u32 return_slot;    // slot + 1 of the return phase, 0: none
  __u32 return_fields;  // fields that the return phase adds; they follow those of the entry
  __u32 need;  // bit per field that some dimension looks at: read before matching, the others only for an event
  __u32 pad;
  // System calls only, others have them in .rodata. Of a return slot: the same, `fields` of the entry before its own.
  struct trigon_syscall_field field[TRIGON_MAX_FIELDS];
  struct trigon_dim dim[TRIGON_MAX_DIMS];
};

enum trigon_action_flags {
  TRIGON_ACT_POST = 1 << 0,       // an event is written
  TRIGON_ACT_SIGNAL = 1 << 1,     // `signal` is sent to the process
  TRIGON_ACT_OVERRIDE = 1 << 2,   // `error` is the hook's answer, where a hook can answer
  TRIGON_ACT_RETURN = 1 << 3,     // the return phase decides; the entry posts nothing
  TRIGON_ACT_KSTACK = 1 << 4,     // kernel stack in the event
  TRIGON_ACT_USTACK = 1 << 5,     // user stack in the event
  TRIGON_ACT_IMA = 1 << 6,        // IMA hash of field `arg` (a file) in the event
  TRIGON_ACT_RATE = 1 << 7,       // rate_ns and rate_scope hold
  TRIGON_ACT_TRACK = 1 << 8,      // the sock in field `arg` belongs to this process from here on
  TRIGON_ACT_UNTRACK = 1 << 9,    // and no longer
  TRIGON_ACT_NOTIFY = 1 << 10,    // NotifyEnforcer: error and signal for the enforcer's hook in the same thread
  TRIGON_ACT_CLEANUP = 1 << 11,   // CleanupEnforcerNotification
  TRIGON_ACT_ENFORCER = 1 << 12,  // this hook is an enforcer's: does what the thread's notification says
  TRIGON_ACT_SET = 1 << 13,       // USDT: writes `value` through argument `arg`
  TRIGON_ACT_USER = 1 << 14       // user space does more with the event (GetUrl, DnsLookup): written even with NoPost
};

enum trigon_rate_scope { TRIGON_RATE_THREAD = 0, TRIGON_RATE_PROCESS = 1, TRIGON_RATE_GLOBAL = 2 };

// The return phase's selectors have entries of their own, from its slot's sel_base: what is done then, posting
// included.
struct trigon_selector {
  __u32 actions;  // enum trigon_action_flags
  __u16 signal;
  __s16 error;       // negative errno of OVERRIDE and NOTIFY
  __u16 spec_end;    // selectors below this number and not below spec_begin belong to the same hook entry of a policy:
  __u16 spec_begin;  // the first that matches wins, the others are cleared
  __u16 policy;      // number in tri_policies
  __u8 arg;          // TRACK, UNTRACK, IMA: the field; SET: the argument
  __u8 rate_scope;   // enum trigon_rate_scope
  __u32 value;       // SET
  __u32 pad;
  __u64 rate_ns;  // at most one event of a key in this time
};

// tri_stats, beside tri_selectors: what became of a selector's matches. Events, since the generation began.
struct trigon_selector_stats {
  __u64 matches;
  __u64 posts;
  __u64 limited;    // events not written because of rateLimit
  __u64 signals;    // sent
  __u64 overrides;  // answered with an error
  __u64 monitored;  // enforcing actions that the policy's mode held back
};

// tri_policies: survives generations, so that a mode changes without new tables.
struct trigon_policy_state {
  __u32 monitor;  // 1: nothing is enforced
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
  __u32 path_dim[2];       // per parity: see above; 0: no policy names paths
  __u32 file_dim[2];       // per parity; 0: no binary is matched by its file
  __u32 child_dim[2];  // per parity: class of a binary (path_dim) -> vector of child sets; 0: nobody follows children
  __u32 child_file_dim[2];  // the same for classes of the file itself (file_dim)
  __u32
      child_parent_dim[2];  // of the parent's binary: {dim, its class} and {dim + 1, its file's class}; 0: nobody asks
  __u32 path_post[2];       // bytes of the longest postfix value among paths, 0: there are none
  __u32 changes_active;     // some policy looks at changes of namespaces or capabilities: noted at exec
  __u32 parents_active;     // some policy looks at parents' binaries
  __u32 track_active;       // some policy tracks socks: events on them are looked up in tri_socks
  __u32 pad;
  __u32 trace_only;  // 1: only processes with bit TRIGON_FOLLOW_TRACE are looked at
  __u32 self_pid;    // the agent: never looked at
};

// Per process, in task storage of the group leader (or a hash map by pid). Recomputed when generation differs.
struct trigon_task_state {
  __u32 generation;
  __u32 binary;       // class among exact and prefix values, 0: none
  __u32 binary_post;  // class among postfix values
  __u32 binary_file;  // class of the file itself (device and inode), 0: none
  __u32 parent;       // the same of the parent's binary
  __u32 parent_post;
  __u32 parent_file;
  __u32 known;     // follow is complete (inherited or searched) for this follow_epoch; 0: not
  __u64 follow;    // bits
  __u64 start_ns;  // of the process this belongs to: the hash map outlives a pid
  __u64 children[TRIGON_MAX_CHILD_SETS / 64];  // bits; stay when the generation changes
  __u64 caps[TRIGON_CAP_SETS];                 // at exec or when first seen; valid when noted
  __u32 ns[TRIGON_NAMESPACES];
  __u32 noted;
  __u32 pad;
};

// Dimensions of tri_numbers that belong to no generation: pid -> bit of trigon_task_state.follow. The engine fills them
// from control.follow_pid. Those of policies start at TRIGON_DIM_FIRST.
#define TRIGON_DIM_FOLLOW_PID 1
#define TRIGON_DIM_FOLLOW_NS_PID 2
#define TRIGON_DIM_FIRST 16

struct trigon_number_key {
  __u32 dim;
  __u32 device;  // control.file_dim: kernel encoding, major << 20 | minor; else 0
  __u64 value;
};

// Big-endian, most significant bit first, as BPF_MAP_TYPE_LPM_TRIE wants it. prefixlen counts dim's 32 bits too.
// Numbers use the first 8 bytes, addresses 16.
struct trigon_range_key {
  __u32 prefixlen;
  __u32 dim;
  __u8 value[16];
};

struct trigon_prefix_key {
  __u32 prefixlen;  // 32 + 8 * bytes
  __u32 dim;
  __u8 data[TRIGON_LPM_BYTES];
};

// Never all zero. An entry of exactly TRIGON_TRIE_CHUNK bytes may lead on: when the value is longer, its next
// TRIGON_TRIE_CHUNK bytes are looked up in dimension `next`, and what is found there is the better answer.
struct trigon_prefix_value {
  __u32 result;  // vector or class; 0: this entry only leads on, the answer found so far stays
  __u32 next;    // 0: the end
};

struct trigon_vector {
  __u64 word[TRIGON_VEC_WORDS];
};

#pragma GCC diagnostic pop

#endif
