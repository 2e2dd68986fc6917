// What the policy compiler hands on: tables for the kernel and what is needed to name a match. No YAML, no libbpf.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bpf/abi/policy.h"
#include "policy/workload.h"

namespace trigon::policy {

// Which list of the policy an entry stands in; it decides the shape of the event.
enum class HookKind { kKprobe, kTracepoint, kLsm, kUprobe, kUsdt, kLoader };

// Where the kernel is hooked by a program of its own (system calls are not: they share one). Equal points share a
// program.
struct HookPoint {
  enum class Kind {
    kFunction,       // kernel function `symbol`
    kLsm,            // LSM hook `symbol` ("file_open")
    kTracepoint,     // classic: `subsystem`/`symbol`
    kRawTracepoint,  // raw: `symbol`
    kUprobe,         // `path` at `symbol` + `offset`, or at file offset `offset`, or at virtual address `address`
    kUsdt            // `path`, `subsystem` is the provider, `symbol` the name
  };
  Kind kind = Kind::kFunction;
  std::string symbol;
  std::string subsystem;
  std::string path;
  uint64_t offset = 0;
  uint64_t address = 0;
  uint64_t ref_ctr_offset = 0;
  bool trampoline_only = false;  // fentries: not by kprobe
  bool kprobe_only = false;      // pt_regs values are read, or the policy asks for it: not by trampoline
  bool no_multi = false;         // options disable-kprobe-multi, disable-uprobe-multi
  bool returns = false;          // has a return phase; others at the same place need not share it
  auto operator<=>(const HookPoint&) const = default;
};

// "security_file_open", "lsm/file_open", "tracepoint/sched/sched_switch", "uprobe//bin/bash:readline".
std::string describe(const HookPoint& point);

// One declared value, found in field[field] of the record.
struct ArgSpec {
  uint8_t field = 0;
  std::string type;    // as written in the policy: "int", "string", "sockaddr", …
  std::string label;   // empty: none
  uint32_t index = 0;  // as written: the argument's number
};

struct UserActionSpec {
  bool dns = false;    // DnsLookup; else GetUrl
  std::string target;  // URL or name
};

// One selector of one policy's hook entry.
struct SelectorInfo {
  uint32_t actions = 0;         // enum trigon_action_flags
  uint32_t return_actions = 0;  // of the return phase
  uint16_t signal = 0;          // when TRIGON_ACT_SIGNAL
  uint16_t return_signal = 0;
  int16_t error = 0;        // when TRIGON_ACT_OVERRIDE, or TRIGON_ACT_NOTIFY
  bool is_sigkill = false;  // written as Sigkill (KPROBE_ACTION_SIGKILL) and not as Signal
  bool return_is_sigkill = false;
  std::string label;
  std::vector<UserActionSpec> user;
};

// One hook entry of one policy (kprobes[i], tracepoints[i], for one place): shared by its selectors.
struct HookSpec {
  std::string policy;
  std::string policy_namespace;
  HookKind kind = HookKind::kKprobe;
  std::string function;   // kprobes, lsmhooks: as written, "sys_openat"; facts 6.2 function_name
  std::string subsystem;  // tracepoints; of a USDT the provider
  std::string event;      // tracepoints; of a USDT its name
  std::string path;       // uprobes, USDTs
  uint64_t offset = 0;    // uprobes
  uint64_t ref_ctr_offset = 0;
  std::string message;
  std::vector<std::string> tags;
  std::vector<ArgSpec> args;
  std::vector<ArgSpec> data;
  std::vector<ArgSpec> returns;  // none or one
};

// A selector number at a hook leads here.
struct SelectorRef {
  std::shared_ptr<const HookSpec> spec;
  SelectorInfo info;
};

// A program that must be attached for this generation.
struct PlannedHook {
  HookPoint point;
  uint16_t slot = 0;
  uint16_t return_slot = 0;               // when point.returns
  std::vector<trigon_field_conf> fields;  // those of the entry first, then those with TRIGON_CONF_AT_RETURN
  uint16_t entry_fields = 0;
  // Policies that want it, so that a failure to attach names them and spares the others.
  std::vector<std::string> policies;
  // Some selector asks for it, so the program must be able to (an LSM hook or fmod_ret to override, a stack, …).
  uint32_t actions = 0;
};

// (enum trigon_syscall_abi, number); (TRIGON_ABIS, 0) is all of them together (raw_syscalls).
using SyscallPlace = std::pair<uint8_t, uint16_t>;
struct SyscallSlots {
  uint16_t slot = 0;
  std::optional<uint16_t> return_slot;
};

// A dimension of TRIGON_SRC_WORKLOAD. Its entries in tri_numbers ({dim, cgroup id} to a vector) come with the control
// groups: WorkloadVectors (policy/workload_vectors.h) tells which vector.
struct WorkloadDim {
  uint32_t dim = 0;
  trigon_vector all{};                                     // the hook's selectors
  std::vector<std::pair<uint32_t, trigon_vector>> asking;  // entry of workload_filters, selectors that ask for it
};

// What outlives a generation: who has which slot, and which bit of a process stands for what. A copy goes into
// compile() with each change; the changed copy comes back in the CompiledSet, to be kept when the generation is
// published.
struct CompileState {
  std::map<HookPoint, PlannedHook> hooks;         // programs that exist
  std::map<SyscallPlace, SyscallSlots> syscalls;  // hooked system calls
  std::vector<bool> slots_in_use;                 // up to TRIGON_MAX_HOOKS; those of `hooks`, and of system calls
  std::map<std::string, uint32_t> child_sets;     // followChildren: key of the set of binaries to its bit
  std::map<std::string, uint16_t> policies;       // policy_key() to its number in tri_policies; disabled ones too
  uint32_t next_dim = TRIGON_DIM_FIRST;
};

// One generation. Everything is ready to be written to the maps of the same names.
struct CompiledSet {
  uint32_t generation = 0;
  std::map<uint16_t, std::vector<SelectorRef>> hooks;  // [slot][selector number]; of return slots too
  std::vector<PlannedHook> planned;                    // programs that must exist before this is published

  trigon_control control{};                     // what differs by generation; the parity of the other generation is 0
  std::map<uint16_t, trigon_hook> hook_tables;  // tri_hooks, by slot; others are empty
  std::vector<trigon_vector> vectors;           // tri_vectors, from number 0
  std::vector<trigon_selector> selectors;       // tri_selectors
  std::vector<std::pair<trigon_number_key, uint32_t>> numbers;              // tri_numbers
  std::vector<std::pair<trigon_range_key, uint32_t>> ranges;                // tri_ranges
  std::vector<std::pair<trigon_prefix_key, trigon_prefix_value>> prefixes;  // tri_prefixes
  std::vector<uint16_t> syscalls;            // tri_syscalls: [abi * TRIGON_MAX_SYSCALLS + number] = slot + 1, 0: none
  bool syscall_returns = false;              // some system call has a return phase
  std::vector<std::string> selector_policy;  // of selectors[i]: policy_key() of whose counts these are
  std::vector<WorkloadFilter> workload_filters;  // distinct; what the engine is asked about each control group
  std::vector<WorkloadDim> workload_dims;
  CompileState state;  // to be kept
};

}  // namespace trigon::policy
