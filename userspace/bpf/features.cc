#include "bpf/features.h"

#include <iterator>

#include "bpf/probes.h"

namespace trigon::bpf {
namespace {

constexpr const char* kBpfGroup = "BPF";
constexpr const char* kHelperGroup = "maps and helpers";
constexpr const char* kTraceGroup = "tracepoints and iterators";
constexpr const char* kFunctionGroup = "kernel functions";
constexpr const char* kSecurityGroup = "security hooks";
constexpr const char* kUserGroup = "user space";
constexpr const char* kNetGroup = "control groups and network";
constexpr const char* kOtherGroup = "without BPF";

// Versions: the release in which the feature first works the way we use it, on x86_64 (control groups: as links,
// af6eea57437a).
constexpr FeatureInfo kFeatures[] = {
    {Feature::kBpfSyscall, "bpf_syscall", "bpf system call", kBpfGroup, 3, 18, {"CONFIG_BPF_SYSCALL"}},
    {Feature::kBtf, "btf", "kernel type information (BTF)", kBpfGroup, 5, 4, {"CONFIG_DEBUG_INFO_BTF"}},
    {Feature::kJit, "jit", "BPF just-in-time compiler", kBpfGroup, 3, 18, {"CONFIG_BPF_JIT"}},
    {Feature::kRunStatistics, "run_statistics", "BPF run time statistics", kBpfGroup, 5, 8, {}},

    {Feature::kRingBuffer, "ring_buffer", "ring buffer map", kHelperGroup, 5, 8, {}},
    {Feature::kHashMap, "hash_map", "hash map", kHelperGroup, 3, 19, {}},
    // a10787e6d58c allowed it to tracing programs, two releases after the map came.
    {Feature::kTaskStorage, "task_storage", "task storage in tracing programs", kHelperGroup, 5, 12, {}},
    {Feature::kCurrentTaskBtf, "current_task_btf", "bpf_get_current_task_btf", kHelperGroup, 5, 11, {}},
    {Feature::kBpfLoop, "bpf_loop", "bpf_loop", kHelperGroup, 5, 17, {}},
    {Feature::kDPath, "d_path", "bpf_d_path in function hooks", kHelperGroup, 5, 10, {}},
    {Feature::kSendSignal, "send_signal", "bpf_send_signal", kHelperGroup, 5, 3, {}},
    {Feature::kSendSignalTask, "send_signal_task", "bpf_send_signal_task (any task)", kHelperGroup, 6, 13, {}},

    {Feature::kTracepointBtf, "tp_btf", "typed tracepoints (tp_btf)", kTraceGroup, 5, 5, {"CONFIG_BPF_EVENTS"}},
    {Feature::kRawTracepoint, "raw_tp", "raw tracepoints", kTraceGroup, 4, 17, {"CONFIG_BPF_EVENTS"}},
    {Feature::kTracepoint,
     "tracepoint",
     "classic tracepoints (perf event)",
     kTraceGroup,
     4,
     7,
     {"CONFIG_PERF_EVENTS", "CONFIG_BPF_EVENTS"}},
    {Feature::kIterTask, "iter_task", "task iterator", kTraceGroup, 5, 8, {}},
    {Feature::kIterTaskFile, "iter_task_file", "task and file iterator", kTraceGroup, 5, 8, {}},

    {Feature::kKprobe, "kprobe", "kprobe", kFunctionGroup, 4, 17, {"CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS"}},
    {Feature::kKprobeMulti, "kprobe_multi", "kprobe on many functions", kFunctionGroup, 5, 18, {"CONFIG_FPROBE"}},
    {Feature::kFentry,
     "fentry",
     "function entry (fentry)",
     kFunctionGroup,
     5,
     5,
     {"CONFIG_BPF_JIT", "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"}},
    {Feature::kFexit,
     "fexit",
     "function exit (fexit)",
     kFunctionGroup,
     5,
     5,
     {"CONFIG_BPF_JIT", "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"}},
    {Feature::kFmodRet,
     "fmod_ret",
     "change of a return value (fmod_ret)",
     kFunctionGroup,
     5,
     7,
     {"CONFIG_BPF_JIT", "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "CONFIG_SECURITY"}},
    {Feature::kOverrideReturn,
     "override_return",
     "bpf_override_return",
     kFunctionGroup,
     4,
     16,
     {"CONFIG_KPROBES", "CONFIG_BPF_KPROBE_OVERRIDE", "CONFIG_FUNCTION_ERROR_INJECTION"}},

    {Feature::kLsm, "lsm", "BPF LSM", kSecurityGroup, 5, 7, {"CONFIG_BPF_LSM", "CONFIG_BPF_JIT"}},
    {Feature::kLsmSleepable, "lsm_sleepable", "sleepable BPF LSM", kSecurityGroup, 5, 10, {"CONFIG_BPF_LSM"}},
    {Feature::kLsmCgroup,
     "lsm_cgroup",
     "BPF LSM per control group",
     kSecurityGroup,
     6,
     0,
     {"CONFIG_BPF_LSM", "CONFIG_CGROUP_BPF"}},

    {Feature::kUprobe, "uprobe", "uprobe", kUserGroup, 4, 17, {"CONFIG_UPROBES", "CONFIG_UPROBE_EVENTS"}},
    {Feature::kUprobeMulti, "uprobe_multi", "uprobe on many places", kUserGroup, 6, 6, {"CONFIG_UPROBES"}},

    {Feature::kCgroupConnect,
     "cgroup_connect",
     "connect() per control group",
     kNetGroup,
     5,
     7,
     {"CONFIG_CGROUP_BPF", "CONFIG_INET"}},
    {Feature::kCgroupSysctl, "cgroup_sysctl", "sysctl per control group", kNetGroup, 5, 7, {"CONFIG_CGROUP_BPF"}},
    {Feature::kCgroupDevice, "cgroup_device", "devices per control group", kNetGroup, 5, 7, {"CONFIG_CGROUP_BPF"}},
    {Feature::kTc, "tc", "traffic control (clsact)", kNetGroup, 4, 5, {"CONFIG_NET_CLS_BPF", "CONFIG_NET_SCH_INGRESS"}},
    {Feature::kTcx, "tcx", "traffic control links (tcx)", kNetGroup, 6, 6, {"CONFIG_NET_XGRESS"}},
    {Feature::kXdp, "xdp", "XDP links", kNetGroup, 5, 9, {"CONFIG_NET"}},

    {Feature::kFanotifyPermission,
     "fanotify_permission",
     "fanotify permission events",
     kOtherGroup,
     5,
     0,
     {"CONFIG_FANOTIFY_ACCESS_PERMISSIONS"}},
    {Feature::kLandlock, "landlock", "Landlock", kOtherGroup, 5, 13, {"CONFIG_SECURITY_LANDLOCK"}},
    {Feature::kSeccompNotify,
     "seccomp_notify",
     "seccomp user notification",
     kOtherGroup,
     5,
     0,
     {"CONFIG_SECCOMP_FILTER"}},
    {Feature::kPidfd, "pidfd", "pidfd", kOtherGroup, 5, 3, {}},
    {Feature::kLoginUid, "login_uid", "login uid of a process", kOtherGroup, 3, 3, {"CONFIG_AUDITSYSCALL"}},
};

constexpr bool in_enum_order() {
  for (size_t i = 0; i < std::size(kFeatures); i++) {
    if (static_cast<size_t>(kFeatures[i].feature) != i) return false;
  }
  return true;
}
static_assert(std::size(kFeatures) == kFeatureCount && in_enum_order(), "a row per feature, in the enum's order");

}  // namespace

const FeatureInfo& feature_info(Feature feature) { return kFeatures[static_cast<size_t>(feature)]; }

bool needs_bpf(Feature feature) {
  return feature != Feature::kBtf && feature_info(feature).group != std::string_view(kOtherGroup);
}

std::optional<Feature> feature_by_name(std::string_view name) {
  for (const FeatureInfo& info : kFeatures) {
    if (name == info.name) return info.feature;
  }
  return std::nullopt;
}

FeatureSet::FeatureSet() { status_.fill({Support::kNo, 0, "this kernel does not have it", {}}); }

FeatureSet FeatureSet::all() {
  FeatureSet set;
  set.status_.fill({Support::kYes, 0, {}, {}});
  return set;
}

FeatureSet& FeatureSet::add(Feature feature, std::string detail) {
  status_[static_cast<size_t>(feature)] = {Support::kYes, 0, {}, std::move(detail)};
  return *this;
}

FeatureSet& FeatureSet::remove(Feature feature, std::string why, int error, Support support) {
  status_[static_cast<size_t>(feature)] = {support, error, std::move(why), {}};
  return *this;
}

Features& Features::of_this_kernel() {
  static Features features(std::make_unique<KernelProber>());
  return features;
}

const FeatureStatus& Features::status(Feature feature) {
  const std::lock_guard lock(mutex_);
  auto& known = known_[static_cast<size_t>(feature)];
  if (!known) known = prober_->probe(feature);
  return *known;
}

void Features::learn_types(const KernelTypes& types) {
  const std::lock_guard lock(mutex_);
  prober_->learn_types(types);
}

Result<void> Features::require(Feature feature) {
  const FeatureStatus& found = status(feature);
  if (found.support == Support::kYes) return {};
  const ErrorCode code = found.support == Support::kUnknown ? ErrorCode::kPermission : ErrorCode::kUnsupported;
  return Error(code, std::string(feature_info(feature).title) + ": " + found.why);
}

}  // namespace trigon::bpf
