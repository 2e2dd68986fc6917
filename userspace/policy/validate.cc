#include "policy/validate.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "policy/fields.h"
#include "policy/validate_hook.h"

namespace trigon::policy {
namespace {

constexpr std::string_view kApiVersions[] = {"cilium.io/v1alpha1", "trigon.dev/v1alpha1"};
constexpr std::string_view kKinds[] = {"TracingPolicy"};
constexpr std::string_view kLaterKinds[] = {"TracingPolicyNamespaced", "PodInfo"};
constexpr std::string_view kOptions[] = {"policy-mode"};
constexpr std::string_view kLaterOptions[] = {"disable-kprobe-multi", "disable-uprobe-multi", "override-method",
                                              "sleepable-preload-size"};
constexpr std::string_view kModes[] = {"enforce", "monitor"};
// RFC 1123 subdomain, as the API server checks metadata.name.
constexpr size_t kMaxName = 253;

bool is_one_of(std::string_view text, std::span<const std::string_view> choices) {
  return std::find(choices.begin(), choices.end(), text) != choices.end();
}

bool is_object_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  const auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  char before = '.';
  for (char c : name) {
    if (!alnum(c) && c != '-' && c != '.') return false;
    if (before == '.' && !alnum(c)) return false;  // starts of labels
    if (c == '.' && !alnum(before)) return false;  // and their ends
    before = c;
  }
  return alnum(before);
}

void check_word(const Fields& fields, std::string_view field, std::span<const std::string_view> valid,
                std::span<const std::string_view> later) {
  const Node* node = fields.require(field);
  if (!node) return;
  const auto text = read_string(*node, field, fields.sink());
  if (!text || is_one_of(*text, valid)) return;
  if (is_one_of(*text, later)) {
    fields.error(node->position, not_supported(*text));
  } else {
    fields.error(node->position, fmt::format("{}: expected {}, found `{}`", field, quoted_list(valid), *text));
  }
}

void read_metadata(const Node& node, Policy& policy, Sink& sink) {
  const Fields fields(node, "metadata",
                      {{"name", "labels", "annotations", "uid", "resourceVersion", "creationTimestamp", "generation",
                        "managedFields", "ownerReferences", "finalizers", "selfLink"},
                       {"namespace", "generateName"}},
                      sink);
  const Node* name = fields.require("name");
  if (!name) return;
  policy.position = name->position;
  const auto text = read_string(*name, "name", sink);
  if (!text) return;
  policy.name = *text;
  if (!is_object_name(*text)) {
    sink.error(name->position,
               fmt::format("name: `{}` is not a Kubernetes object name (lower case letters, digits, `-` and `.`, "
                           "beginning and ending with a letter or digit, at most {} characters)",
                           *text, kMaxName));
  }
}

void read_options(const Fields& spec, Policy& policy, Sink& sink) {
  std::vector<std::string> seen;
  const auto list = spec.list("options");
  for (size_t i = 0; i < list.size(); ++i) {
    const Fields option(list[i], item_name("options", i), {{"name", "value"}}, sink);
    const Node* name_node = option.require("name");
    const Node* value_node = option.require("value");
    if (!name_node || !value_node) continue;
    const auto name = read_string(*name_node, "name", sink);
    if (!name) continue;
    if (std::find(seen.begin(), seen.end(), *name) != seen.end()) {
      sink.error(name_node->position, fmt::format("duplicate option `{}`", *name));
      continue;
    }
    seen.push_back(*name);
    if (is_one_of(*name, kLaterOptions)) {
      sink.error(name_node->position, not_supported(*name));
    } else if (!is_one_of(*name, kOptions)) {
      sink.error(name_node->position, fmt::format("unknown option `{}`{}", *name, did_you_mean(*name, kOptions)));
    } else if (const auto value = read_string(*value_node, "value", sink)) {
      if (*value == "monitor") {
        policy.mode = Mode::kMonitor;
      } else if (*value != "enforce") {
        sink.error(value_node->position, fmt::format("policy-mode: expected {}, found `{}`{}", quoted_list(kModes),
                                                     *value, did_you_mean(*value, kModes)));
      }
    }
  }
}

void read_spec(const Node& node, const Options& options, Policy& policy, Sink& sink) {
  const size_t before = sink.count();
  const Fields spec(node, "spec",
                    {{"kprobes", "tracepoints", "options"},
                     {"fentries", "lsmhooks", "uprobes", "usdts", "loader", "lists", "enforcers", "podSelector",
                      "containerSelector", "hostSelector", "nodeSelector", "selectorsMacros"}},
                    sink);
  if (!spec.is_map()) return;
  read_options(spec, policy, sink);
  const auto kprobes = spec.list("kprobes");
  const auto tracepoints = spec.list("tracepoints");
  if (!kprobes.empty() && !tracepoints.empty()) {
    sink.error(spec.find("tracepoints")->position,
               "a policy has either `kprobes` or `tracepoints`, not both: make two policies");
  }
  if (kprobes.empty() && tracepoints.empty() && sink.count() == before) {
    sink.error(node.position, "spec: no hook, `kprobes` or `tracepoints` is needed");
  }
  for (size_t i = 0; i < kprobes.size(); ++i) {
    policy.hooks.push_back(read_kprobe(kprobes[i], item_name("kprobes", i), options, sink));
    if (policy.hooks.back().absent) policy.hooks.pop_back();
  }
  for (size_t i = 0; i < tracepoints.size(); ++i) {
    policy.hooks.push_back(read_tracepoint(tracepoints[i], item_name("tracepoints", i), options, sink));
  }
}

}  // namespace

std::optional<Policy> validate(const Node& document, const Options& options, Sink& sink) {
  const size_t before = sink.count();
  Policy policy;
  policy.source = sink.source();
  const Fields fields(document, "the policy", {{"apiVersion", "kind", "metadata", "spec", "status"}}, sink);
  if (!fields.is_map()) return std::nullopt;
  check_word(fields, "apiVersion", kApiVersions, {});
  check_word(fields, "kind", kKinds, kLaterKinds);
  if (const Node* metadata = fields.require("metadata")) read_metadata(*metadata, policy, sink);
  if (const Node* spec = fields.require("spec")) read_spec(*spec, options, policy, sink);
  if (sink.count() != before) return std::nullopt;
  return policy;
}

}  // namespace trigon::policy
