// Why a probe failed, in words.
#include <fmt/format.h>
#include <linux/capability.h>

#include <cerrno>
#include <cstring>

#include "bpf/probes.h"
#include "bpf/probes_run.h"

#ifndef CAP_PERFMON  // 5.8
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

namespace trigon::bpf {
namespace {

std::string error_text(const Outcome& outcome) {
  if (outcome.error == 0) return outcome.step;
  std::string text = fmt::format("{} is refused: {}", outcome.step, std::strerror(outcome.error));
  if (!outcome.detail.empty()) text += fmt::format(" ({})", outcome.detail);
  return text;
}

// The privilege whose absence explains EPERM or EACCES; empty when none is missing.
std::string missing_privilege(const sys::Privileges& has) {
  if (!has.initial_user_namespace) return "this process is in a user namespace, whose root may not load BPF programs";
  if (has.has(CAP_SYS_ADMIN)) return {};
  std::string missing;
  for (const auto& [bit, name] : {std::pair{CAP_BPF, "CAP_BPF"}, {CAP_PERFMON, "CAP_PERFMON"}}) {
    if (!has.has(bit)) missing += (missing.empty() ? "" : " and ") + std::string(name);
  }
  if (missing.empty()) missing = "CAP_SYS_ADMIN";
  return "this process lacks " + missing;
}

}  // namespace

FeatureStatus explain(Feature feature, const Outcome& outcome, const sys::Kernel& kernel) {
  if (outcome.worked) return {Support::kYes, 0, {}, outcome.detail};
  const FeatureInfo& info = feature_info(feature);
  FeatureStatus status{Support::kNo, outcome.error, {}, {}};
  const bool denied = outcome.error == EPERM || outcome.error == EACCES;
  if (denied) {
    if (std::string missing = missing_privilege(kernel.privileges()); !missing.empty()) {
      status.support = Support::kUnknown;
      status.why = std::move(missing);
      return status;
    }
  }
  const sys::KernelConfig& config = kernel.config();
  for (const char* option : {"CONFIG_BPF_SYSCALL", info.options[0], info.options[1], info.options[2]}) {
    if (option != nullptr && config.known() && !config.has(option)) {
      status.why = fmt::format("this kernel is built without {} ({})", option, error_text(outcome));
      return status;
    }
  }
  const sys::KernelVersion since{static_cast<unsigned>(info.since_major), static_cast<unsigned>(info.since_minor), 0};
  if (kernel.version() < since) {
    status.why = fmt::format("it came with Linux {}.{}; this is {} ({})", since.major, since.minor, kernel.release(),
                             error_text(outcome));
    return status;
  }
  const sys::Lockdown lockdown = kernel.lockdown();
  if (denied && outcome.trampoline && lockdown != sys::Lockdown::kNone && lockdown != sys::Lockdown::kUnknown) {
    status.why = fmt::format("this kernel is locked down ({}) and refuses BPF trampolines ({})",
                             lockdown_name(lockdown), error_text(outcome));
    return status;
  }
  status.why = error_text(outcome);
  if (denied && kernel.privileges().filtered) status.why += "; this process runs under a seccomp filter";
  return status;
}

}  // namespace trigon::bpf
