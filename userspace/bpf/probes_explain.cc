// Why a probe failed, in words.
#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "bpf/probes.h"
#include "bpf/probes_run.h"

#ifndef CAP_PERFMON  // 5.8
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

namespace trigon::bpf {
namespace {

// "loading the program: EPERM (what the verifier said)".
std::string error_text(const Outcome& outcome) {
  if (outcome.error == 0) return outcome.step;
  const char* name = strerrorname_np(outcome.error);
  std::string text = fmt::format("{}: {}", outcome.step, name != nullptr ? name : std::strerror(outcome.error));
  if (!outcome.detail.empty()) text += fmt::format(" ({})", outcome.detail);
  return text;
}

struct Capability {
  unsigned bit;
  const char* name;
};

// The privilege whose absence explains EPERM or EACCES; empty when none is missing.
std::string missing_privilege(Feature feature, const sys::Privileges& has) {
  if (!has.initial_user_namespace && needs_bpf(feature)) {
    return "this process is in a user namespace, whose root may not use BPF";
  }
  std::vector<Capability> needed = {{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}};
  if (needs_bpf(feature) && !has.has(CAP_SYS_ADMIN)) {
    needed = {{CAP_BPF, "CAP_BPF"}, {CAP_PERFMON, "CAP_PERFMON"}};
    // With the first two present it must be one of the operations that still want the third.
    if (has.has(CAP_BPF) && has.has(CAP_PERFMON)) needed = {{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}};
  }
  if (feature == Feature::kTc || feature == Feature::kTcx || feature == Feature::kXdp) {
    needed.push_back({CAP_NET_ADMIN, "CAP_NET_ADMIN"});
  }
  std::string missing;
  for (const auto& [bit, name] : needed) {
    if (!has.has(bit)) missing += (missing.empty() ? "" : " and ") + std::string(name);
  }
  return missing.empty() ? missing : "this process lacks " + missing;
}

// Which of the build options is off; nullptr when none is, or nobody knows.
const char* option_off(Feature feature, const sys::KernelConfig& config) {
  if (!config.known()) return nullptr;
  if (needs_bpf(feature) && !config.has("CONFIG_BPF_SYSCALL")) return "CONFIG_BPF_SYSCALL";
  for (const char* option : feature_info(feature).options) {
    if (option != nullptr && !config.has(option)) return option;
  }
  return nullptr;
}

// Named even where the kernel does not publish its options.
const char* option_of_errno(Feature feature, int error, const sys::KernelConfig& config) {
  if (error == ENOSYS && needs_bpf(feature)) return "CONFIG_BPF_SYSCALL";
  if (error == ENOENT && feature == Feature::kBtf && !config.known()) return "CONFIG_DEBUG_INFO_BTF";
  return nullptr;
}

// A security module that is built in can still be left out by the kernel's command line.
const char* module_left_out(Feature feature, int error, const sys::Kernel& kernel) {
  const char* module = nullptr;
  if (feature == Feature::kLandlock && error == EOPNOTSUPP) return "landlock";
  if (feature == Feature::kLsm || feature == Feature::kLsmSleepable || feature == Feature::kLsmCgroup) module = "bpf";
  const auto& active = kernel.security_modules();
  if (module == nullptr || active.empty()) return nullptr;
  return std::find(active.begin(), active.end(), module) == active.end() ? module : nullptr;
}

// What else a reader may check: options that are modules or that nobody publishes.
std::string option_hint(Feature feature, const sys::KernelConfig& config) {
  std::string names;
  for (const char* option : feature_info(feature).options) {
    if (option == nullptr || (config.known() && config.value(option) != "m")) continue;
    names += (names.empty() ? "" : ", ") + std::string(option);
  }
  if (names.empty()) return {};
  return config.known() ? fmt::format("; {} is a module, which may not be loaded", names)
                        : fmt::format("; it needs {}, and this kernel does not publish its options", names);
}

}  // namespace

FeatureStatus explain(Feature feature, const Outcome& outcome, const sys::Kernel& kernel) {
  if (outcome.worked) return {Support::kYes, 0, {}, outcome.detail};
  const FeatureInfo& info = feature_info(feature);
  FeatureStatus status{Support::kNo, outcome.error, {}, {}};
  const bool denied = outcome.error == EPERM || outcome.error == EACCES;
  if (denied) {
    if (std::string missing = missing_privilege(feature, kernel.privileges()); !missing.empty()) {
      status.support = Support::kUnknown;
      status.why = std::move(missing);
      return status;
    }
  }
  const char* option = option_of_errno(feature, outcome.error, kernel.config());
  if (option == nullptr) option = option_off(feature, kernel.config());
  if (option != nullptr) {
    status.why = fmt::format("this kernel is built without {} ({})", option, error_text(outcome));
    return status;
  }
  const sys::KernelVersion since{static_cast<unsigned>(info.since_major), static_cast<unsigned>(info.since_minor), 0};
  if (kernel.version() < since) {
    status.why = fmt::format("it came with Linux {}.{}; this is {} ({})", since.major, since.minor, kernel.release(),
                             error_text(outcome));
    return status;
  }
  const sys::Lockdown lockdown = kernel.lockdown();
  if (denied && outcome.trampoline && lockdown != sys::Lockdown::kNone && lockdown != sys::Lockdown::kUnknown) {
    // Not "because of": mainline's lockdown allows them (6.12 with lockdown=integrity does), hardened kernels do not.
    status.why = fmt::format(
        "this kernel refuses BPF trampolines ({}) to a process with all privileges; its lockdown mode is {}",
        error_text(outcome), lockdown_name(lockdown));
    return status;
  }
  if (const char* module = module_left_out(feature, outcome.error, kernel); module != nullptr) {
    status.why =
        fmt::format("\"{}\" is not among the security modules chosen at boot (lsm=) ({})", module, error_text(outcome));
    return status;
  }
  status.why = error_text(outcome);
  if (denied && kernel.privileges().filtered) status.why += "; this process runs under a seccomp filter";
  if (!denied && outcome.error != 0) status.why += option_hint(feature, kernel.config());
  return status;
}

}  // namespace trigon::bpf
