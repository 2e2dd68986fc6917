#include "engine/mechanism.h"

#include <fmt/format.h>

namespace trigon::engine {

namespace {

using bpf::Feature;
using bpf::Mechanism;
using Kind = policy::HookPoint::Kind;

class Chooser {
 public:
  explicit Chooser(bpf::Features& features) : features_(features) {}

  void offer(Mechanism mechanism, std::initializer_list<Feature> needs) {
    for (const Feature feature : needs) {
      if (features_.has(feature)) continue;
      reasons_.push_back(fmt::format("{}: {}", bpf::feature_info(feature).title, features_.why_not(feature)));
      return;
    }
    usable_.push_back(mechanism);
  }
  void rule_out(std::string reason) { reasons_.push_back(std::move(reason)); }

  MechanismChoice take() && { return {std::move(usable_), std::move(reasons_)}; }

 private:
  bpf::Features& features_;
  std::vector<Mechanism> usable_;
  std::vector<std::string> reasons_;
};

void offer_kprobes(const policy::HookPoint& point, Chooser& chooser) {
  if (point.no_multi)
    chooser.rule_out("kprobe.multi: switched off by the policy (disable-kprobe-multi)");
  else
    chooser.offer(Mechanism::kKprobeMulti, {Feature::kKprobeMulti});
  chooser.offer(Mechanism::kKprobe, {Feature::kKprobe});
}

void offer_function(const policy::HookPoint& point, uint32_t actions, Chooser& chooser) {
  if (actions & (TRIGON_ACT_OVERRIDE | TRIGON_ACT_ENFORCER)) {
    // Only the security module itself can answer before the effect.
    if (!lsm_hook_of(point.symbol).empty()) {
      if (point.returns)
        chooser.offer(Mechanism::kLsm, {Feature::kLsm, Feature::kFexit});
      else
        chooser.offer(Mechanism::kLsm, {Feature::kLsm});
      return;
    }
    chooser.rule_out(
        fmt::format("Override at {}: only LSM hooks and security_* functions can answer with an error in this version "
                    "(bpf_override_return and fmod_ret are not used)",
                    point.symbol));
    return;
  }
  if (point.kprobe_only) {
    chooser.rule_out("fentry: the policy reads registers (source: pt_regs)");
  } else if (point.returns) {
    chooser.offer(Mechanism::kFentry, {Feature::kFentry, Feature::kFexit});
  } else {
    chooser.offer(Mechanism::kFentry, {Feature::kFentry});
  }
  if (point.trampoline_only) return;
  offer_kprobes(point, chooser);
}

}  // namespace

std::string lsm_hook_of(std::string_view function) {
  constexpr std::string_view kPrefix = "security_";
  if (!function.starts_with(kPrefix)) return {};
  const std::string_view name = function.substr(kPrefix.size());
  // security/security.c: those whose function is called differently.
  constexpr struct {
    std::string_view function, hook;
  } kDifferent[] = {{"bprm_check", "bprm_check_security"},
                    {"socket_getpeersec_stream", "socket_getpeersec_stream"},
                    {"sk_alloc", "sk_alloc_security"},
                    {"task_to_inode", "task_to_inode"}};
  for (const auto& [from, to] : kDifferent)
    if (name == from) return std::string(to);
  return std::string(name);
}

MechanismChoice choose_mechanism(const policy::HookPoint& point, uint32_t actions, bpf::Features& features) {
  Chooser chooser(features);
  switch (point.kind) {
    case Kind::kFunction:
      offer_function(point, actions, chooser);
      break;
    case Kind::kLsm:
      chooser.offer(Mechanism::kLsm, {Feature::kLsm});
      break;
    case Kind::kTracepoint:
      chooser.offer(Mechanism::kTracepoint, {Feature::kTracepoint});
      break;
    case Kind::kRawTracepoint:
      chooser.offer(Mechanism::kRawTracepoint, {Feature::kRawTracepoint});
      break;
    case Kind::kUprobe:
    case Kind::kUsdt:
      // Policies that come after the start are attached without CAP_SYS_ADMIN, which the other one asks for.
      if (point.no_multi)
        chooser.rule_out("uprobe.multi: switched off by the policy (disable-uprobe-multi)");
      else
        chooser.offer(Mechanism::kUprobeMulti, {Feature::kUprobeMulti});
      chooser.offer(Mechanism::kUprobe, {Feature::kUprobe});
      break;
  }
  return std::move(chooser).take();
}

}  // namespace trigon::engine
