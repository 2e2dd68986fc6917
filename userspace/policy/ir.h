// A policy after validation: every name resolved, every number normalised, nothing that the compiler has to refuse for
// its meaning. The table compiler and the reference evaluator of the tests read this and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bpf/abi/policy.h"
#include "policy/compiled.h"
#include "policy/diagnostics.h"
#include "policy/syscalls.h"

namespace trigon::policy {

// How the values of one field compare.
enum class ValueKind {
  kNone,    // nop, sockaddr: nothing to compare in this version
  kNumber,  //
  kString   // bytes up to a NUL
};

// One declared argument. Only `conf` reaches the kernel.
struct Arg {
  uint32_t index = 0;        // as written
  std::string type;          // as written
  std::string label;         //
  trigon_field_conf conf{};  // conf.type TRIGON_ARG_NONE: nothing is read (nop)
  ValueKind kind = ValueKind::kNone;
  bool is_signed = false;
  uint8_t bits = 64;   // width of a number
  uint8_t spread = 1;  // 6 for the args array of raw_syscalls: registers 0…5 one after another
};

// Both ends included. Signed types count from their smallest value: bit 63 is flipped.
struct Interval {
  uint64_t low = 0;
  uint64_t high = 0;
};

enum class Match {
  kNumbers,  // equals one of `numbers`
  kRanges,   // lies in one of `ranges`
  kMask,     // has a bit in common with `mask`
  kExact,    // equals one of `strings`
  kPrefix,   // starts with one of `strings`
  kPostfix   // ends with one of `strings`
};

// What a value must be. Sign-extended to 64 bits when the type is signed, zero-extended otherwise.
struct Predicate {
  Match match = Match::kNumbers;
  bool negated = false;
  std::vector<uint64_t> numbers;
  std::vector<Interval> ranges;
  uint64_t mask = 0;
  std::vector<std::string> strings;
};

struct ArgFilter {
  size_t arg = 0;  // position in Hook::args
  Predicate predicate;
};

struct PidFilter {
  bool negated = false;
  bool namespace_pid = false;
  bool follow_forks = false;
  std::vector<uint32_t> pids;
};

// All filters must accept.
struct Selector {
  std::vector<ArgFilter> args;
  std::vector<Predicate> binaries;  // kExact, kPrefix, kPostfix
  std::vector<PidFilter> pids;
  bool post = true;
  uint16_t signal = 0;  // 0: none
  bool is_sigkill = false;
  Position position;
};

struct Target {
  Abi abi = Abi::kX64;
  uint16_t number = 0;
};

// One entry of kprobes or tracepoints.
struct Hook {
  HookKind kind = HookKind::kKprobe;
  std::string function;
  std::string subsystem;
  std::string event;
  bool raw_syscalls = false;  // every system call; then no target
  Target target;
  bool absent = false;  // this machine has no such call, and the policy says that this may be (validation only)
  std::string message;
  std::vector<std::string> tags;
  std::vector<Arg> args;
  std::vector<Selector> selectors;  // at least one
  Position position;
};

enum class Mode { kEnforce, kMonitor };

struct Policy {
  std::string name;
  Mode mode = Mode::kEnforce;  // may be changed before compile(): signals are then not sent
  std::vector<Hook> hooks;
  std::shared_ptr<const Source> source;
  Position position;  // of the name
};

}  // namespace trigon::policy
