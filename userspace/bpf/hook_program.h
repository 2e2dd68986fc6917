// HookProgram: one loaded instance of bpf/programs/hooks/, attached to one place of the kernel (or to several functions
// at once). What it reads and which slot it serves is fixed when it is loaded (struct trigon_field_conf).
//
// Threads: one. Owns its programs and links: destroying it detaches and unloads. The Sensor must outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bpf/abi/policy.h"
#include "bpf/kernel_types.h"
#include "bpf/sensor.h"

namespace trigon::bpf {

enum class Mechanism : uint8_t {
  kFentry,         // BPF trampoline, with fexit for the return phase
  kLsm,            // BPF LSM
  kKprobeMulti,    // kprobe.multi, kretprobe.multi
  kKprobe,         // kprobe, kretprobe
  kTracepoint,     // classic
  kRawTracepoint,  //
  kUprobeMulti,    // uprobe.multi, uretprobe.multi: needs less privilege than the next one
  kUprobe,         // uprobe, uretprobe
};
std::string_view mechanism_name(Mechanism mechanism);  // "fentry", "lsm", "kprobe_multi", …

struct HookProgramSpec {
  Mechanism mechanism = Mechanism::kKprobe;
  std::string symbol;     // function, LSM hook, tracepoint's event
  std::string subsystem;  // classic tracepoints, and their number in tracefs (events/SUBSYSTEM/EVENT/id)
  uint64_t tracepoint_id = 0;
  std::string path;     // uprobes: the file
  uint64_t offset = 0;  // uprobes: in the file
  uint64_t ref_ctr_offset = 0;
  bool returns = false;  // with a return phase
  // LSM hooks: the function whose return that is; it takes the same arguments as the hook.
  std::string return_symbol;
  uint16_t slot = 0;
  uint16_t return_slot = 0;
  std::vector<trigon_field_conf> fields;  // the entry's first, at most TRIGON_MAX_FIELDS
  uint16_t entry_fields = 0;
  uint32_t actions = 0;  // enum trigon_action_flags that its selectors may have
};

class HookProgram {
 public:
  // Verifies and loads; nothing runs yet. kUnsupported says what the kernel refuses.
  static Result<std::unique_ptr<HookProgram>> load(Sensor* sensor, const KernelTypes& kernel,
                                                   const HookProgramSpec& spec);
  // From here on events come. The return phase first, so that no entry waits in vain. What was only needed to load is
  // given back: a program keeps two or three descriptors open.
  Result<void> attach();
  ~HookProgram();

  // Of a program that is attached.
  Mechanism mechanism() const;
  // Bytes of kernel memory of the programs and of what is theirs alone (the kernel's figures: fdinfo memlock).
  uint64_t kernel_bytes() const;
  // Instructions that the verifier has looked at (5.16; 0 before), over its programs.
  uint64_t verified_instructions() const;
  // Runs that the kernel skipped because the program was running on that CPU.
  uint64_t recursion_misses() const;

 private:
  struct Impl;
  explicit HookProgram(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trigon::bpf
