#include "engine/not_carried.h"

#include <fmt/format.h>

#include <algorithm>

namespace trigon::engine {
namespace {

template <typename Test>
bool any_selector(const policy::Hook& hook, Test test) {
  return std::any_of(hook.selectors.begin(), hook.selectors.end(),
                     [&](const policy::Selector& s) { return test(s.actions) || test(s.return_actions); });
}

bool overrides(const policy::Actions& actions) { return actions.error.has_value(); }
bool sets(const policy::Actions& actions) { return actions.set_arg.has_value(); }

std::string no_answer(const policy::Hook& hook, bpf::Features& features) {
  constexpr auto kNeeded = bpf::Feature::kOverrideReturn;
  const std::string why = features.has(kNeeded)
                              ? std::string("bpf_override_return is not used by this version")
                              : fmt::format("{}: {}", bpf::feature_info(kNeeded).title, features.why_not(kNeeded));
  return fmt::format("{} cannot be answered with an error ({}); an LSM hook or a security_* function behind it can",
                     hook.function.empty() ? hook.subsystem + "/" + hook.event : hook.function, why);
}

}  // namespace

bool enforcer_answers(const policy::Policy& policy) {
  return std::any_of(policy.hooks.begin(), policy.hooks.end(), [](const policy::Hook& hook) {
    return any_selector(hook, [](const policy::Actions& actions) { return actions.notify_error.has_value(); });
  });
}

std::vector<std::string> not_carried(const policy::Hook& hook, bool enforcer_answers, bpf::Features& features) {
  std::vector<std::string> out;
  if (hook.is_syscall && (any_selector(hook, overrides) || (hook.enforcer && enforcer_answers)))
    out.push_back(no_answer(hook, features));
  if (hook.kind == policy::HookKind::kUprobe && any_selector(hook, overrides))
    out.push_back("Override of a program's function is not carried out by this version");
  if (any_selector(hook, sets)) out.push_back("Set is not carried out by this version");
  return out;
}

std::vector<std::string> not_carried(const policy::Policy& policy, bpf::Features& features) {
  std::vector<std::string> out;
  const bool answers = enforcer_answers(policy);
  for (const policy::Hook& hook : policy.hooks) {
    for (std::string& one : not_carried(hook, answers, features))
      if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(std::move(one));
  }
  // Who belongs to which pod is not known yet; a policy for some would be one for nobody, or for all.
  const bool workloads =
      !policy.workload.any() || !policy.k8s_namespace.empty() ||
      std::any_of(policy.hooks.begin(), policy.hooks.end(), [](const policy::Hook& hook) {
        return std::any_of(hook.selectors.begin(), hook.selectors.end(),
                           [](const policy::Selector& s) { return s.workload && !s.workload->any(); });
      });
  if (workloads)
    out.push_back(
        "podSelector, containerSelector, hostSelector, matchWorkloads and namespaced policies are not carried "
        "out by this version");
  if (!policy.nodes.empty()) out.push_back("nodeSelector is not carried out by this version");
  if (policy.loader) out.push_back("loader: events of loaded libraries are not made by this version");
  return out;
}

}  // namespace trigon::engine
