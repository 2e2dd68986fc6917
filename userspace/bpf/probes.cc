#include "bpf/probes.h"

#include "bpf/probes_table.h"

namespace trigon::bpf {
namespace {

struct Row {
  Feature feature;
  Outcome (*probe)(ProbeContext&);
};

constexpr Row kRows[] = {
    {Feature::kBpfSyscall, probe_bpf_syscall},
    {Feature::kBtf, probe_btf},
    {Feature::kJit, probe_jit},
    {Feature::kRunStatistics, probe_run_statistics},
    {Feature::kRingBuffer, probe_ring_buffer},
    {Feature::kHashMap, probe_hash_map},
    {Feature::kTaskStorage, probe_task_storage},
    {Feature::kCurrentTaskBtf, probe_current_task_btf},
    {Feature::kBpfLoop, probe_bpf_loop},
    {Feature::kSendSignal, probe_send_signal},
    {Feature::kSendSignalTask, probe_send_signal_task},
    {Feature::kTracepointBtf, probe_tracepoint_btf},
    {Feature::kRawTracepoint, probe_raw_tracepoint},
    {Feature::kTracepoint, probe_tracepoint},
    {Feature::kIterTask, probe_iter_task},
    {Feature::kIterTaskFile, probe_iter_task_file},
    {Feature::kDPath, probe_d_path},
    {Feature::kKprobe, probe_kprobe},
    {Feature::kKprobeMulti, probe_kprobe_multi},
    {Feature::kFentry, probe_fentry},
    {Feature::kFexit, probe_fexit},
    {Feature::kFmodRet, probe_fmod_ret},
    {Feature::kOverrideReturn, probe_override_return},
    {Feature::kLsm, probe_lsm},
    {Feature::kLsmSleepable, probe_lsm_sleepable},
    {Feature::kLsmCgroup, probe_lsm_cgroup},
    {Feature::kUprobe, probe_uprobe},
    {Feature::kUprobeMulti, probe_uprobe_multi},
    {Feature::kCgroupConnect, probe_cgroup_connect},
    {Feature::kCgroupSysctl, probe_cgroup_sysctl},
    {Feature::kCgroupDevice, probe_cgroup_device},
    {Feature::kTc, probe_tc},
    {Feature::kTcx, probe_tcx},
    {Feature::kXdp, probe_xdp},
    {Feature::kFanotifyPermission, probe_fanotify_permission},
    {Feature::kLandlock, probe_landlock},
    {Feature::kSeccompNotify, probe_seccomp_notify},
    {Feature::kPidfd, probe_pidfd},
    {Feature::kLoginUid, probe_login_uid},
};

}  // namespace

KernelProber::KernelProber() : context_(std::make_unique<ProbeContext>()) {}
KernelProber::~KernelProber() = default;

void KernelProber::learn_types(const KernelTypes& types) { context_->learn_types(types); }

FeatureStatus KernelProber::probe(Feature feature) {
  // Without the system call, or the right to it, every probe would only find that out again.
  if (needs_bpf(feature)) {
    if (!bpf_syscall_) bpf_syscall_ = explain(Feature::kBpfSyscall, probe_bpf_syscall(*context_), context_->kernel());
    if (feature == Feature::kBpfSyscall || bpf_syscall_->support != Support::kYes) return *bpf_syscall_;
  }
  for (const Row& row : kRows) {
    if (row.feature == feature) return explain(feature, row.probe(*context_), context_->kernel());
  }
  return {Support::kUnknown, 0, "there is no probe for it", {}};
}

}  // namespace trigon::bpf
