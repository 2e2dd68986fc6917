// PolicyStore: the policies that were loaded, and what became of each. Each change compiles the whole set anew and
// switches the kernel over at once: at no moment is there neither the old nor the new policy. A change that fails
// leaves everything as it was; a policy whose hooks this kernel cannot serve is set aside with its error and touches no
// other.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/sensor.h"
#include "engine/hook_set.h"
#include "engine/tables.h"
#include "policy/policy.h"

namespace trigon::engine {

enum class PolicyState { kEnabled, kDisabled, kError };
std::string_view policy_state_name(PolicyState state);

// Events of a policy since it was loaded, over all its selectors. Survives changes of other policies.
struct PolicyCounts {
  uint64_t matches = 0;
  uint64_t posts = 0;
  uint64_t limited = 0;
  uint64_t signals = 0;
  uint64_t overrides = 0;
  uint64_t monitored = 0;
};

struct PolicyStatus {
  std::string name;    // of a namespaced one "namespace/name"
  std::string origin;  // file, "command line", "trace"
  PolicyState state = PolicyState::kEnabled;
  policy::Mode mode = policy::Mode::kEnforce;
  std::string error;  // kError: why
  std::vector<HookStatus> hooks;
  bool syscalls = false;      // hooks system calls, whose program all policies share
  uint64_t kernel_bytes = 0;  // its tables' entries and its share of its hooks' programs
  PolicyCounts counts;
};

// What replace() could not put in force. The policies are known all the same, in state kError.
struct PolicyFailure {
  std::string policy;
  Error error;
};

// Single-threaded. The sensor and the features must outlive it.
class PolicyStore {
 public:
  PolicyStore(bpf::Sensor* sensor, bpf::Features* features)
      : sensor_(sensor), features_(features), writer_(sensor), hooks_(sensor, features) {}

  // Puts `policies` in the place of everything that came from `origin` (a file, "trace"); none: removes it. Names must
  // not be in use by another origin. An error: nothing has changed. Else those that this kernel cannot serve.
  Result<std::vector<PolicyFailure>> replace(const std::string& origin, std::vector<policy::Policy> policies);
  // The same for several origins in one step.
  struct Change {
    std::string origin;
    std::vector<policy::Policy> policies;
  };
  Result<std::vector<PolicyFailure>> replace(std::vector<Change> changes);
  // kNotFound names a near one.
  Result<void> set_enabled(const std::string& name, bool enabled);
  // Takes effect with one write to the kernel: no tables change.
  Result<void> set_mode(const std::string& name, policy::Mode mode);

  size_t size() const;  // in force or disabled
  std::vector<std::string> names() const;
  std::vector<PolicyStatus> status();
  // The set of a generation, for records that it decided; null when it is long gone.
  std::shared_ptr<const policy::CompiledSet> find(uint32_t generation) const;
  TableWriter& writer() { return writer_; }
  HookSet& hooks() { return hooks_; }
  const HookSet& hooks() const { return hooks_; }
  // Everything off; the books stay.
  void detach() { hooks_.detach(); }

 private:
  struct Entry {
    std::string origin;
    policy::Policy policy;
    std::string error;  // not empty: set aside
    bool is_new = false;
  };

  // Records of older generations may wait in the ring for as long as it takes to read it once.
  static constexpr size_t kKeptSets = 4;

  Result<std::vector<PolicyFailure>> apply(std::vector<Entry> entries);
  void check_new(std::vector<Entry>& entries, std::vector<PolicyFailure>& failed) const;
  Result<std::shared_ptr<const policy::CompiledSet>> compile(const std::vector<Entry>& entries);
  Result<void> publish(std::shared_ptr<const policy::CompiledSet> set, const std::vector<Entry>& entries);
  // Adds what the kernel has counted for `set` to counts_.
  void collect(const policy::CompiledSet& set);
  Entry* entry_of(const std::string& name);
  Error not_found(const std::string& name) const;

  bpf::Sensor* sensor_;
  bpf::Features* features_;
  TableWriter writer_;
  HookSet hooks_;
  std::vector<Entry> entries_;
  std::map<std::string, PolicyCounts> counts_;
  std::deque<std::shared_ptr<const policy::CompiledSet>> sets_;  // newest first
  policy::CompileState state_;
  uint32_t generation_ = 0;
};

}  // namespace trigon::engine
