// trigon policy explain: what policies would do on this kernel. Loads nothing but the probes of features.
#include <fmt/format.h>
#include <unistd.h>

#include <map>

#include "cli/exit_code.h"
#include "cli/json_text.h"
#include "cli/policy_verbs.h"
#include "daemon/runtime.h"
#include "policy/policy.h"

namespace trigon::cli {
namespace {

using engine::HookExplanation;
using engine::PolicyExplanation;
using engine::SelectorExplanation;

std::string line(int indent, std::string_view head, std::string_view text) {
  return fmt::format("{:{}}{}{}\n", "", indent, head, text);
}

void put(const SelectorExplanation& selector, size_t number, bool here, std::string& out) {
  std::string head = fmt::format("{}. ", number);
  if (!selector.label.empty()) head += "[" + selector.label + "] ";
  if (selector.filters.empty()) out += line(4, head, "every event");
  for (size_t i = 0; i < selector.filters.size(); ++i)
    out += line(i ? 7 : 4, i ? "and " : head + "when ", selector.filters[i]);
  out += line(7, "then ", fmt::format("{}", fmt::join(selector.actions, "; ")));
  const auto& verdict = selector.verdict;
  out += line(7, (here ? "" : "not here; elsewhere ") + std::string(engine::grade_name(verdict.grade)),
              verdict.why.empty() ? "" : ": " + verdict.why);
}

void put(const HookExplanation& hook, std::string& out) {
  const std::string_view mechanism = hook.unknown             ? std::string_view("not known")
                                     : hook.mechanism.empty() ? std::string_view("CANNOT BE SERVED HERE")
                                                              : std::string_view(hook.mechanism);
  out += line(2, hook.where + ": ", mechanism);
  if (!hook.otherwise.empty())
    out += line(4, "if the kernel refuses that: ", fmt::format("{}", fmt::join(hook.otherwise, ", ")));
  for (const std::string& reason : hook.reasons) out += line(4, hook.mechanism.empty() ? "" : "not better: ", reason);
  if (!hook.values.empty()) out += line(4, "reads ", fmt::format("{}", fmt::join(hook.values, ", ")));
  for (size_t i = 0; i < hook.selectors.size(); ++i)
    put(hook.selectors[i], i + 1, hook.unknown || !hook.mechanism.empty(), out);
  std::string cost;
  size_t total = 0;
  for (const auto& lookup : hook.lookups) {
    cost += fmt::format("{}{} × {}", cost.empty() ? "" : "; ", lookup.count, lookup.what);
    total += lookup.count;
  }
  out += line(4, "cost: ",
              total == 0 ? "no look-up, every event matches"
                         : fmt::format("at most {} look-up{} an event: {}", total, total == 1 ? "" : "s", cost));
}

// Whoever is told to look at the running kernel: its types can be read by everybody, its features by root only.
struct Kernel {
  std::unique_ptr<engine::RunningKernel> kernel;

  Kernel() {
    if (geteuid() == 0 && access(bpf::KernelTypes::kPath, R_OK) == 0)
      kernel = std::make_unique<engine::RunningKernel>(daemon::first_namespaces());
  }
};

// What a file says that only the kernel contradicts.
std::map<std::string, std::string> kernel_errors(const policy::Loaded& loaded) {
  std::map<std::string, std::string> out;
  for (const policy::Diagnostic& diagnostic : loaded.diagnostics)
    out[diagnostic.source->name] += policy::format(diagnostic) + "\n";
  return out;
}

}  // namespace

std::string explain_text(const std::vector<PolicyExplanation>& policies) {
  std::string out;
  std::string_view measured;
  for (const PolicyExplanation& policy : policies) {
    if (!out.empty()) out += "\n";
    out += fmt::format("policy {} ({}){}\n", policy.name, policy.file,
                       policy.monitor ? ", mode monitor: nothing is enforced; grades are those of mode enforce" : "");
    if (!policy.workload.empty()) out += line(2, "only ", policy.workload);
    for (const std::string& error : policy.errors) out += line(2, "CANNOT BE SERVED HERE: ", error);
    for (const HookExplanation& hook : policy.hooks) {
      put(hook, out);
      if (!hook.measured.empty()) measured = hook.measured;
    }
  }
  if (!measured.empty()) out += fmt::format("\n{}\n", measured);
  return out;
}

std::string explain_json(const std::vector<PolicyExplanation>& policies) {
  JsonText json;
  json.open('{').key("policies").open('[');
  for (const PolicyExplanation& policy : policies) {
    json.open('{').key("name").text(policy.name).key("file").text(policy.file);
    json.key("mode").text(policy.monitor ? "monitor" : "enforce").key("served").boolean(policy.served());
    json.key("workload").text(policy.workload).key("errors").list(policy.errors).key("hooks").open('[');
    for (const HookExplanation& hook : policy.hooks) {
      json.open('{').key("hook").text(hook.where).key("mechanism").text(hook.mechanism);
      json.key("known").boolean(!hook.unknown).key("otherwise").list(hook.otherwise);
      json.key("reasons").list(hook.reasons).key("values").list(hook.values).key("selectors").open('[');
      for (const SelectorExplanation& selector : hook.selectors) {
        json.open('{').key("label").text(selector.label).key("filters").list(selector.filters);
        json.key("actions").list(selector.actions).key("grade").text(engine::grade_name(selector.verdict.grade));
        json.key("why").text(selector.verdict.why).close('}');
      }
      json.close(']').key("lookups").open('[');
      for (const auto& lookup : hook.lookups)
        json.open('{').key("kind").text(lookup.kind).key("count").number(lookup.count).close('}');
      json.close(']').close('}');
    }
    json.close(']').close('}');
  }
  return json.close(']').close('}').take();
}

int explain_policies(const std::vector<std::string>& paths, bool json) {
  policy::Loaded plain = policy::load_paths(paths);
  if (!plain.ok()) {
    fmt::print(stderr, "{}", policy::format(plain.diagnostics));
    return kExitInvalidPolicy;
  }
  if (plain.policies.empty()) {
    fmt::print(stderr, "trigon: no policies there: of a directory, the *.yaml and *.yml files in it are read\n");
    return kExitFailed;
  }
  // Again with the kernel: it decides types, and may lack a function.
  const Kernel running;
  policy::Options options;
  options.kernel = running.kernel.get();
  policy::Loaded here = options.kernel != nullptr ? policy::load_paths(paths, options) : policy::Loaded();
  const auto errors = kernel_errors(here);
  std::map<std::string, const policy::Policy*> resolved;
  for (const policy::Policy& policy : here.policies) resolved[policy::policy_key(policy)] = &policy;

  std::vector<PolicyExplanation> explained;
  bool served = true;
  for (const policy::Policy& policy : plain.policies) {
    const auto found = resolved.find(policy::policy_key(policy));
    const policy::Policy& best = found == resolved.end() ? policy : *found->second;
    PolicyExplanation& one = explained.emplace_back(engine::explain(best, bpf::Features::of_this_kernel()));
    if (found == resolved.end() && options.kernel != nullptr) {
      const auto why = errors.find(policy.source->name);
      one.errors.push_back(why == errors.end() ? "this kernel refuses it" : why->second);
      while (one.errors.back().ends_with('\n')) one.errors.back().pop_back();
    }
    served &= one.served();
  }
  fmt::print("{}", json ? explain_json(explained) : explain_text(explained));
  return served ? kExitOk : kExitUnsupported;
}

}  // namespace trigon::cli
