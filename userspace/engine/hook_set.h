// HookSet: the programs that the policies in force need beside that of system calls, one per hook point. A change is
// made in two steps around the switch to the new tables: prepare() attaches what is new (it finds its slot empty until
// the switch), commit() detaches what nobody uses any more. So there is no moment with neither, and none with both.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/features.h"
#include "bpf/hook_program.h"
#include "bpf/sensor.h"
#include "engine/mechanism.h"
#include "policy/compiled.h"
#include "sys/tracefs.h"

namespace trigon::engine {

struct HookFailure {
  policy::HookPoint point;
  std::vector<std::string> policies;  // that want it
  Error error;
};

struct HookStatus {
  policy::HookPoint point;
  std::string_view mechanism;
  uint64_t kernel_bytes = 0;  // of the program alone
  uint64_t verified_instructions = 0;
  std::vector<std::string> policies;
};

// Single-threaded. Sensor and features must outlive it.
class HookSet {
 public:
  HookSet(bpf::Sensor* sensor, bpf::Features* features) : sensor_(sensor), features_(features) {}

  // Tracepoints are found by number in tracefs, which may need a privilege that goes away after the start.
  void use_tracefs(const sys::Tracefs* tracefs) { tracefs_ = tracefs; }
  // Loads and attaches what `planned` has and this has not. On failures nothing is kept of this attempt.
  std::vector<HookFailure> prepare(const std::vector<policy::PlannedHook>& planned);
  // The tables of `planned` are in force.
  void commit();
  // They are not.
  void rollback() { staged_.clear(); }

  std::vector<HookStatus> status() const;
  uint64_t recursion_misses() const;
  size_t size() const { return current_.size(); }
  void detach() { current_.clear(); }

 private:
  using Programs = std::vector<std::shared_ptr<bpf::HookProgram>>;
  struct Entry {
    policy::PlannedHook plan;
    Programs programs;
  };

  Result<Programs> make(const policy::PlannedHook& plan, const bpf::KernelTypes& kernel);
  Result<Programs> attach(const std::vector<bpf::HookProgramSpec>& specs, const bpf::KernelTypes& kernel);
  // One for each place: a function of user space may have several.
  Result<std::vector<bpf::HookProgramSpec>> specs_of(const policy::PlannedHook& plan, bpf::Mechanism mechanism) const;

  bpf::Sensor* sensor_;
  bpf::Features* features_;
  const sys::Tracefs* tracefs_ = nullptr;
  std::map<uint16_t, Entry> current_;  // by slot
  std::map<uint16_t, Entry> staged_;   // what current_ becomes
};

}  // namespace trigon::engine
