// KernelProber: finds out what the running kernel can do by loading a small program, attaching it for an instant and,
// where that is cheap, making it run. Neither build options nor /sys/kernel/security/lsm nor BTF are proof: a kernel
// can list BPF among its LSMs and refuse every LSM program. They are read for the explanation of a refusal only.
//
// Nothing is pinned, and everything attached is gone when probe() returns. Programs that run for the whole machine for
// that instant only note that they ran.
#pragma once

#include <memory>
#include <optional>

#include "bpf/features.h"
#include "sys/kernel.h"

namespace trigon::bpf {

class ProbeContext;
struct Outcome;

class KernelProber : public FeatureProber {
 public:
  KernelProber();
  ~KernelProber() override;

  FeatureStatus probe(Feature feature) override;
  void learn_types(const KernelTypes& types) override;

 private:
  std::unique_ptr<ProbeContext> context_;
  std::optional<FeatureStatus> bpf_syscall_;
};

// Why a step was refused, in one sentence: the build option that is off, the release that is too old, the lockdown
// mode, the privilege that is missing, else the error itself.
FeatureStatus explain(Feature feature, const Outcome& outcome, const sys::Kernel& kernel);

}  // namespace trigon::bpf
