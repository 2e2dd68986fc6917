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
};

}  // namespace

KernelProber::KernelProber() : context_(std::make_unique<ProbeContext>()) {}
KernelProber::~KernelProber() = default;

FeatureStatus KernelProber::probe(Feature feature) {
  for (const Row& row : kRows) {
    if (row.feature == feature) return explain(feature, row.probe(*context_), context_->kernel());
  }
  return {Support::kUnknown, 0, "there is no probe for it", {}};
}

}  // namespace trigon::bpf
