#include "policy/validate.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "policy/fields.h"
#include "policy/types.h"
#include "policy/validate_call.h"
#include "policy/validate_context.h"
#include "policy/validate_hook.h"
#include "policy/validate_selector.h"
#include "policy/validate_workload.h"

namespace trigon::policy {
namespace {

constexpr std::string_view kApiVersions[] = {"cilium.io/v1alpha1", "trigon.dev/v1alpha1"};
constexpr std::string_view kNamespaced = "TracingPolicyNamespaced";
constexpr std::string_view kKinds[] = {"TracingPolicy", kNamespaced};
constexpr std::string_view kOptions[] = {"policy-mode",     "disable-kprobe-multi",   "disable-uprobe-multi",
                                         "override-method", "sleepable-preload-size", "match-binaries"};
constexpr std::string_view kModes[] = {"enforce", "monitor"};
constexpr std::string_view kMethods[] = {"fmod-ret", "override-return"};
constexpr std::string_view kBinaries[] = {"file", "literal"};
constexpr std::string_view kYes[] = {"true", "1"}, kNo[] = {"false", "0"};
// RFC 1123 subdomain, as the API server checks metadata.name.
constexpr size_t kMaxName = 253;
// Entries of a map that nothing needs: strings are read where they are.
constexpr uint64_t kMaxPreload = 1'000'000;

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

void check_word(const Fields& fields, std::string_view field, std::span<const std::string_view> valid) {
  const Node* node = fields.require(field);
  if (!node) return;
  const auto text = read_string(*node, field, fields.sink());
  if (!text || is_one_of(*text, valid)) return;
  fields.error(node->position, fmt::format("{}: expected {}, found `{}`{}", field, quoted_list(valid), *text,
                                           did_you_mean(*text, valid)));
}

std::string read_object_name(const Fields& metadata, std::string_view field) {
  const Node* node = metadata.find(field);
  const auto text = read_string(*node, field, metadata.sink());
  if (text && !is_object_name(*text)) {
    metadata.error(node->position,
                   fmt::format("{}: `{}` is not a Kubernetes object name (lower case letters, digits, `-` and `.`, "
                               "beginning and ending with a letter or digit, at most {} characters)",
                               field, *text, kMaxName));
  }
  return text.value_or("");
}

void read_metadata(const Node& node, bool namespaced, Policy& policy, Sink& sink) {
  const Fields fields(node, "metadata",
                      {{"name", "namespace", "labels", "annotations", "uid", "resourceVersion", "creationTimestamp",
                        "generation", "managedFields", "ownerReferences", "finalizers", "selfLink"},
                       {"generateName"}},
                      sink);
  const Node* space = fields.find("namespace");
  if (namespaced && !space && fields.is_map()) {
    fields.error(fields.position(),
                 fmt::format("metadata: `namespace` is missing, {} applies to the pods of one", kNamespaced));
  } else if (!namespaced && space) {
    fields.error(space->position, fmt::format("namespace: a TracingPolicy has none, `kind: {}` does", kNamespaced));
  } else if (space) {
    policy.k8s_namespace = read_object_name(fields, "namespace");
  }
  const Node* name = fields.require("name");
  if (!name) return;
  policy.position = name->position;
  policy.name = read_object_name(fields, "name");
}

class OptionReader {
 public:
  OptionReader(Context& context, Policy& policy) : context_(context), policy_(policy) {}

  void read(const Fields& spec) {
    std::vector<std::string> seen;
    const auto list = spec.list("options");
    for (size_t i = 0; i < list.size(); ++i) {
      const Fields option(list[i], item_name("options", i), {{"name", "value"}}, context_.sink);
      const Node* name_node = option.require("name");
      const Node* value_node = option.require("value");
      if (!name_node || !value_node) continue;
      const auto name = read_string(*name_node, "name", context_.sink);
      if (!name) continue;
      if (std::find(seen.begin(), seen.end(), *name) != seen.end()) {
        context_.sink.error(name_node->position, fmt::format("duplicate option `{}`", *name));
        continue;
      }
      seen.push_back(*name);
      if (!is_one_of(*name, kOptions)) {
        context_.sink.error(name_node->position,
                            fmt::format("unknown option `{}`{}", *name, did_you_mean(*name, kOptions)));
      } else if (!value_node->is_scalar()) {
        context_.sink.error(value_node->position, fmt::format("{}: expected a value", *name));
      } else {
        set(*name, *value_node);
      }
    }
  }

 private:
  void set(const std::string& name, const Node& node) {
    // Values are text in the CRD, but numbers and booleans are seldom quoted.
    const std::string& value = node.scalar;
    if (name == "policy-mode") {
      if (one_of(name, node, kModes)) policy_.mode = value == "monitor" ? Mode::kMonitor : Mode::kEnforce;
    } else if (name == "match-binaries") {
      policy_.literal_binaries = one_of(name, node, kBinaries) && value == "literal";
    } else if (name == "disable-kprobe-multi") {
      context_.no_kprobe_multi = boolean(name, node);
    } else if (name == "disable-uprobe-multi") {
      context_.no_uprobe_multi = boolean(name, node);
    } else if (name == "override-method") {
      // The best way that the kernel has is taken, and it is the same with either.
      one_of(name, node, kMethods);
    } else if (const auto size = parse_number(value, false, 64); !size.ok() || *size > kMaxPreload) {
      context_.sink.error(node.position,
                          fmt::format("{}: expected a number up to {}, found `{}`", name, kMaxPreload, value));
    }
  }

  bool one_of(const std::string& name, const Node& node, std::span<const std::string_view> valid) {
    if (is_one_of(node.scalar, valid)) return true;
    context_.sink.error(node.position, fmt::format("{}: expected {}, found `{}`{}", name, quoted_list(valid),
                                                   node.scalar, did_you_mean(node.scalar, valid)));
    return false;
  }

  bool boolean(const std::string& name, const Node& node) {
    if (is_one_of(node.scalar, kYes)) return true;
    if (!is_one_of(node.scalar, kNo)) {
      context_.sink.error(node.position, fmt::format("{}: expected true or false, found `{}`", name, node.scalar));
    }
    return false;
  }

  Context& context_;
  Policy& policy_;
};

void read_workloads(const Fields& spec, bool namespaced, Policy& policy) {
  policy.workload = read_workload(spec);
  if (const Node* nodes = spec.find("nodeSelector")) {
    policy.nodes = read_labels(*nodes, "spec.nodeSelector", spec.sink());
  }
  if (const Node* host = spec.find("hostSelector"); host && namespaced) {
    spec.error(host->position,
               fmt::format("hostSelector: {} is for pods of its namespace, not for the host", kNamespaced));
  }
  policy.loader = spec.boolean("loader", false);
  if (policy.loader && !policy.workload.any()) {
    spec.error(spec.find("loader")->position,
               "loader: cannot be combined with podSelector, containerSelector or hostSelector");
  }
}

struct Section {
  std::string_view name;
  std::vector<Hook> (*read)(const Node& node, const std::string& where, const Context& context);
};
constexpr Section kSections[] = {
    {"kprobes", read_kprobe}, {"fentries", read_fentry}, {"tracepoints", read_tracepoint}, {"lsmhooks", read_lsm_hook},
    {"uprobes", read_uprobe}, {"usdts", read_usdt},      {"enforcers", read_enforcer}};

void read_spec(const Node& node, bool namespaced, const Options& options, Policy& policy, Sink& sink) {
  const size_t before = sink.count();
  const Fields spec(
      node, "spec",
      {{"kprobes", "fentries", "tracepoints", "lsmhooks", "uprobes", "usdts", "loader", "lists", "enforcers", "options",
        "podSelector", "containerSelector", "hostSelector", "nodeSelector", "selectorsMacros"},
       {},
       {{"killers", "`enforcers` with `calls`"}, {"rawtracepoints", "`tracepoints` with `raw: true`"}}},
      sink);
  if (!spec.is_map()) return;
  Context context{.options = options, .sink = sink};
  OptionReader(context, policy).read(spec);
  read_workloads(spec, namespaced, policy);
  context.lists = read_lists(spec, options);
  if (const Node* macros = spec.find("selectorsMacros")) read_macros(*macros, context);
  context.enforcers = !spec.list("enforcers").empty();
  size_t entries = 0;
  for (const Section& section : kSections) {
    const auto list = spec.list(section.name);
    for (size_t i = 0; i < list.size(); ++i) {
      for (Hook& hook : section.read(list[i], item_name(section.name, i), context)) {
        hook.spec_index = entries;
        policy.hooks.push_back(std::move(hook));
      }
      ++entries;
    }
  }
  if (entries == 0 && !policy.loader && sink.count() == before) {
    sink.error(node.position,
               "spec: nothing to do, one of `kprobes`, `fentries`, `tracepoints`, `lsmhooks`, `uprobes`, "
               "`usdts` or `loader` is needed");
  }
}

}  // namespace

std::optional<Policy> validate(const Node& document, const Options& options, Sink& sink) {
  const size_t before = sink.count();
  Policy policy;
  policy.source = sink.source();
  const Fields fields(document, "the policy", {{"apiVersion", "kind", "metadata", "spec", "status"}}, sink);
  if (!fields.is_map()) return std::nullopt;
  check_word(fields, "apiVersion", kApiVersions);
  check_word(fields, "kind", kKinds);
  const Node* kind = fields.find("kind");
  const bool namespaced = kind && kind->is_scalar() && kind->scalar == kNamespaced;
  if (const Node* metadata = fields.require("metadata")) read_metadata(*metadata, namespaced, policy, sink);
  if (const Node* spec = fields.require("spec")) read_spec(*spec, namespaced, options, policy, sink);
  if (sink.count() != before) return std::nullopt;
  return policy;
}

}  // namespace trigon::policy
