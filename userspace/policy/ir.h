// A policy after validation: every name resolved, every number normalised, nothing that the compiler has to refuse for
// its meaning. The table compiler and the reference evaluator of the tests read this and nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bpf/abi/policy.h"
#include "policy/compiled.h"
#include "policy/diagnostics.h"
#include "policy/syscalls.h"
#include "policy/workload.h"

namespace trigon::policy {

// How the values of one field compare.
enum class ValueKind {
  kNone,       // nop, and what has no operators
  kNumber,     //
  kString,     // bytes up to a NUL
  kPath,       // a file's path: by its class (TRIGON_PART_PATH_CLASS…), file type
  kSocket,     // sock, socket, skb: by its parts
  kSockaddr,   // source address, source port, family
  kSockaddrUn  // family, and its path as a string (abstract names begin with `@`)
};

// One declared value: an entry of args or data, or returnArg. Only `conf` reaches the kernel.
struct Arg {
  uint32_t index = 0;        // as written
  std::string type;          // as written
  std::string label;         //
  trigon_field_conf conf{};  // conf.type TRIGON_ARG_NONE: nothing is read (nop)
  ValueKind kind = ValueKind::kNone;
  bool is_signed = false;
  uint8_t bits = 64;  // width of a number
  // Fields that it makes, one after another: 6 for the args array of raw_syscalls (registers 0…5), the elements of an
  // array of numbers in a tracepoint's record (each conf.size bytes, from conf.off[0] on).
  uint8_t spread = 1;
  // Validated without a kernel: `conf` (offsets of resolve, a tracepoint's record, type `auto`) is decided on the node.
  bool unresolved = false;
};

// Both ends included. Signed types count from their smallest value: bit 63 is flipped.
struct Interval {
  uint64_t low = 0;
  uint64_t high = 0;
};

// An address prefix; IPv4 as ::ffff:a.b.c.d with bits counted from the first of the 128.
struct Network {
  std::array<uint8_t, 16> bytes{};
  uint8_t bits = 128;
};

enum class Match {
  kNumbers,              // equals one of `numbers`
  kRanges,               // lies in one of `ranges`
  kMask,                 // has a bit in common with `mask`
  kExact,                // equals one of `strings`
  kPrefix,               // starts with one of `strings`
  kPostfix,              // ends with one of `strings`
  kSubstring,            // contains one of `strings`
  kSubstringIgnoreCase,  // the same, A-Z like a-z; `strings` are lower case
  kNetworks              // lies in one of `networks`
};

// What a value must be. Sign-extended to 64 bits when the type is signed, zero-extended otherwise.
struct Predicate {
  Match match = Match::kNumbers;
  // TRIGON_PART_VALUE; a part of a socket, an address or a file type; TRIGON_PART_GAINED (kMask). For paths, strings
  // compare with TRIGON_PART_VALUE here: the compiler chooses the class or the text.
  trigon_part part = TRIGON_PART_VALUE;
  bool negated = false;
  std::vector<uint64_t> numbers;
  std::vector<Interval> ranges;
  uint64_t mask = 0;
  std::vector<std::string> strings;
  std::vector<Network> networks;
};

enum class Role { kArg, kData, kReturn };

struct ArgFilter {
  size_t arg = 0;  // position in Hook::args, Hook::data; 0 for the return value
  Predicate predicate;
  Role role = Role::kArg;
  size_t second = 0;  // TRIGON_PART_GAINED: bits of args[arg] that are not in args[second]
};

struct PidFilter {
  bool negated = false;
  bool namespace_pid = false;
  bool follow_forks = false;
  std::vector<uint32_t> pids;
};

struct BinaryFilter {
  Predicate predicate;           // kExact, kPrefix, kPostfix
  bool parent = false;           // matchParentBinaries
  bool follow_children = false;  // kExact: or descends from one that started since the policy is in force
};

// Of the current task. Numbers (namespaces, ids) are compared by `predicate` kNumbers or kRanges, sets of bits
// (capabilities, changes) by kMask.
struct TaskFilter {
  trigon_source source = TRIGON_SRC_NAMESPACE;  // NAMESPACE, NS_CHANGES, CAPS, CAP_CHANGES, CRED
  uint8_t field = 0;                            // enum trigon_ns, trigon_cap_set or trigon_cred_id
  Predicate predicate;
  // `host_ns` was written and validated without a kernel: the inode number is missing in predicate.numbers.
  bool host_ns = false;
};

enum class Deferred { kGetUrl, kDnsLookup };
// Done by user space when the event arrives.
struct UserAction {
  Deferred what = Deferred::kGetUrl;
  std::string target;  // URL or name
};

// What a selector does: once for the entry, once for the return.
struct Actions {
  bool post = true;
  uint16_t signal = 0;  // 0: none
  bool is_sigkill = false;
  std::optional<int16_t> error;  // Override: negative errno
  std::optional<int16_t> notify_error;
  std::optional<uint16_t> notify_signal;
  bool notify = false;   // NotifyEnforcer
  bool cleanup = false;  // CleanupEnforcerNotification
  uint64_t rate_ns = 0;
  trigon_rate_scope rate_scope = TRIGON_RATE_THREAD;
  bool kernel_stack = false;
  bool user_stack = false;
  bool ima = false;
  std::optional<size_t> track, untrack;  // position in Hook::args
  std::optional<size_t> set_arg;         // Set: position in Hook::args
  int32_t set_value = 0;
  std::vector<UserAction> user;
};

// All filters must accept.
struct Selector {
  std::string label;
  std::vector<ArgFilter> args;         // matchArgs, matchData
  std::vector<ArgFilter> return_args;  // matchReturnArgs
  std::vector<BinaryFilter> binaries;
  std::vector<PidFilter> pids;
  std::vector<TaskFilter> tasks;
  std::optional<Workload> workload;
  Actions actions;
  Actions return_actions;
  Position position;
};

struct Target {
  Abi abi = Abi::kX64;
  uint16_t number = 0;
  bool operator==(const Target&) const = default;
};

// One entry of kprobes, fentries, tracepoints, lsmhooks, uprobes, usdts, or the calls of an enforcer. One place where
// the kernel is hooked for it: an entry on several symbols or calls of a list is several Hooks with the same
// spec_index.
struct Hook {
  HookKind kind = HookKind::kKprobe;
  std::string function;  // as written; of a list the entry of the list
  std::string subsystem;
  std::string event;
  bool is_syscall = false;    // `target` is the place (or all calls: raw_syscalls)
  bool raw_syscalls = false;  // every system call; then no target
  Target target;
  HookPoint point;      // otherwise
  bool absent = false;  // this machine has no such call, and the policy says that this may be (validation only)
  // Validated without a kernel: stands for all functions of a generated_ftrace list (its pattern is point.symbol).
  bool unresolved = false;
  bool enforcer = false;
  size_t spec_index = 0;  // which entry of the policy
  std::string message;
  std::vector<std::string> tags;
  std::vector<Arg> args;
  std::vector<Arg> data;
  std::optional<Arg> return_arg;                      // present: the hook has a return phase
  bool track_return = false, untrack_return = false;  // returnArgAction
  // Uprobes: digests of which the file must have one ("sha256:hex", "build-id:hex", lower case); empty: any file will
  // do. With skip_on_digest another file is left alone, without it the policy fails.
  std::vector<std::string> digests;
  bool skip_on_digest = false;
  std::vector<Selector> selectors;  // at least one
  Position position;
};

enum class Mode { kEnforce, kMonitor };

struct Policy {
  std::string name;
  std::string k8s_namespace;  // TracingPolicyNamespaced; else empty
  Mode mode = Mode::kEnforce;
  bool enabled = true;
  bool literal_binaries = false;  // option: binaries are compared by their paths only, not by the file
  bool loader = false;
  Workload workload;
  std::vector<LabelRequirement> nodes;  // nodeSelector
  std::vector<Hook> hooks;
  std::shared_ptr<const Source> source;
  Position position;  // of the name
};

}  // namespace trigon::policy
