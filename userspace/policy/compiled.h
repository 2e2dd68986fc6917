// What the policy compiler hands on: tables for the kernel and what is needed to name a match. No YAML, no libbpf.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bpf/abi/policy.h"

namespace trigon::policy {

// One argument as a policy's hook entry declares it, found in field[field] of the record.
struct ArgSpec {
  uint8_t field = 0;
  std::string type;    // as written in the policy: "int", "string", "sockaddr", …
  std::string label;   // empty: none
  uint32_t index = 0;  // as written: the argument's number
};

enum class HookKind { kKprobe, kTracepoint };

// One selector of one policy's hook entry.
struct SelectorInfo {
  uint16_t actions = 0;     // enum trigon_action_flags
  uint16_t signal = 0;      // when TRIGON_ACT_SIGNAL
  bool is_sigkill = false;  // written as Sigkill (KPROBE_ACTION_SIGKILL) and not as Signal
};

// One hook entry of one policy (kprobes[i], tracepoints[i], for one system call): shared by its selectors.
struct HookSpec {
  std::string policy;
  HookKind kind = HookKind::kKprobe;
  std::string function;   // kprobes: as written, "sys_openat"; facts 6.2 function_name
  std::string subsystem;  // tracepoints
  std::string event;
  std::string message;
  std::vector<std::string> tags;
  std::vector<ArgSpec> args;
};

// A selector number at a hook leads here.
struct SelectorRef {
  std::shared_ptr<const HookSpec> spec;
  SelectorInfo info;
};

// One generation. Everything is ready to be written to the maps of the same names.
struct CompiledSet {
  uint32_t generation = 0;
  std::vector<std::vector<SelectorRef>> hooks;  // [slot][selector number]

  trigon_control control{};  // generation, raw_hook, follow_*, binary_dim; the parity of the other generation is 0
  std::vector<trigon_hook> hook_tables;                          // tri_hooks, from slot 0
  std::vector<trigon_vector> vectors;                            // tri_vectors, from number 0
  std::vector<trigon_selector> selectors;                        // tri_selectors
  std::vector<std::pair<trigon_number_key, uint32_t>> numbers;   // tri_numbers
  std::vector<std::pair<trigon_range_key, uint32_t>> ranges;     // tri_ranges
  std::vector<std::pair<trigon_prefix_key, uint32_t>> prefixes;  // tri_prefixes; no value is 0
  std::vector<uint16_t> syscalls;  // tri_syscalls: [abi * TRIGON_MAX_SYSCALLS + number] = slot + 1, 0: none
  uint32_t next_dim = 0;           // where the next generation starts counting dimensions
};

}  // namespace trigon::policy
