// What the running kernel can do, found out by doing it. Asked lazily: a feature is probed when has() is first called
// for it and never again, so that the agent pays only for what it wants to know; `trigon doctor` asks for all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace trigon::bpf {

class KernelTypes;

// In the order in which doctor lists them; features.cc has a row for each.
enum class Feature : uint8_t {
  // BPF itself
  kBpfSyscall,
  kBtf,
  kJit,
  kRunStatistics,
  // Maps and helpers
  kRingBuffer,
  kHashMap,
  kTaskStorage,
  kCurrentTaskBtf,
  kBpfLoop,
  kDPath,
  kSendSignal,
  kSendSignalTask,
  // Tracepoints and iterators
  kTracepointBtf,
  kRawTracepoint,
  kTracepoint,
  kIterTask,
  kIterTaskFile,
  // Kernel functions
  kKprobe,
  kKprobeMulti,
  kFentry,
  kFexit,
  kFmodRet,
  kOverrideReturn,
  // Security hooks
  kLsm,
  kLsmSleepable,
  kLsmCgroup,
  // User space
  kUprobe,
  kUprobeMulti,
  // Control groups and network
  kCgroupConnect,
  kCgroupSysctl,
  kCgroupDevice,
  kTc,
  kTcx,
  kXdp,
  // Without BPF
  kFanotifyPermission,
  kLandlock,
  kSeccompNotify,
  kPidfd,
  kLoginUid,
  kCount,
};
inline constexpr size_t kFeatureCount = static_cast<size_t>(Feature::kCount);

// A feature's row: what it is called and what a kernel needs for it. The needs are for explanations only.
struct FeatureInfo {
  Feature feature;
  const char* name;   // stable, of the JSON and the documentation: "task_storage"
  const char* title;  // "task storage map in tracing programs"
  const char* group;  // heading of doctor's list
  int since_major;    // the first Linux that has it
  int since_minor;
  std::array<const char*, 3> options;  // build options it needs beyond CONFIG_BPF_SYSCALL; nullptr: no more
};
const FeatureInfo& feature_info(Feature feature);
// Whether it is a feature of bpf(2): not BTF, which is a file, nor what works without BPF.
bool needs_bpf(Feature feature);
std::optional<Feature> feature_by_name(std::string_view name);

enum class Support : uint8_t {
  kYes,
  kNo,       // the kernel cannot
  kUnknown,  // this process may not try
};

struct FeatureStatus {
  Support support = Support::kUnknown;
  int error = 0;       // errno of the step that was refused; 0 when it worked or went wrong in another way
  std::string why;     // one sentence without a final stop; empty when supported
  std::string detail;  // more about a supported one: "ABI 7"
};

// Who knows: the kernel (probes.h) or, in tests, a FeatureSet.
class FeatureProber {
 public:
  virtual ~FeatureProber() = default;
  virtual FeatureStatus probe(Feature feature) = 0;
  // Types of the kernel that somebody has read anyway, so that probes need not read them again.
  virtual void learn_types(const KernelTypes&) {}
};

// Answers filled in by hand. What was not set is not supported.
class FeatureSet : public FeatureProber {
 public:
  FeatureSet& add(Feature feature, std::string detail = {});
  FeatureSet& remove(Feature feature, std::string why, int error = 0, Support support = Support::kNo);
  FeatureStatus probe(Feature feature) override { return status_[static_cast<size_t>(feature)]; }

  static FeatureSet none() { return FeatureSet(); }
  static FeatureSet all();

 private:
  FeatureSet();
  std::array<FeatureStatus, kFeatureCount> status_;
};

// Remembers what the prober said. Any thread; a probe runs under the lock.
class Features {
 public:
  explicit Features(std::unique_ptr<FeatureProber> prober) : prober_(std::move(prober)) {}
  explicit Features(FeatureSet set) : Features(std::make_unique<FeatureSet>(std::move(set))) {}

  // Of the kernel this process runs on; probed once per process.
  static Features& of_this_kernel();

  const FeatureStatus& status(Feature feature);
  bool has(Feature feature) { return status(feature).support == Support::kYes; }
  // Empty when it is there.
  const std::string& why_not(Feature feature) { return status(feature).why; }
  // Worth calling before has() by whoever has them at hand; the types need not outlive the call.
  void learn_types(const KernelTypes& types);
  // kUnsupported or kPermission with "TITLE: WHY".
  Result<void> require(Feature feature);

 private:
  std::mutex mutex_;
  std::unique_ptr<FeatureProber> prober_;
  std::array<std::optional<FeatureStatus>, kFeatureCount> known_;
};

}  // namespace trigon::bpf
