#include "policy/validate_task.h"

#include <fmt/format.h>

#include <algorithm>

#include "policy/names.h"
#include "policy/types.h"
#include "policy/validate_predicate.h"

namespace trigon::policy {
namespace {

// PID_MAX_LIMIT of the kernel (threads.h, 64-bit).
constexpr uint32_t kMaxPid = 4 * 1024 * 1024;
constexpr uint8_t kIdBits = 32;
constexpr std::string_view kHost = "host_ns";

uint32_t host_namespace(const trigon_namespaces& host, uint32_t which) {
  switch (which) {
    case TRIGON_NS_UTS:
      return host.uts;
    case TRIGON_NS_IPC:
      return host.ipc;
    case TRIGON_NS_MNT:
      return host.mnt;
    case TRIGON_NS_PID:
      return host.pid;
    case TRIGON_NS_PID_FOR_CHILDREN:
      return host.pid_for_children;
    case TRIGON_NS_NET:
      return host.net;
    case TRIGON_NS_TIME:
      return host.time;
    case TRIGON_NS_TIME_FOR_CHILDREN:
      return host.time_for_children;
    case TRIGON_NS_CGROUP:
      return host.cgroup;
    default:
      return host.user;
  }
}

// The inode of the host's namespace joins the numbers of the filter, now or on the node.
void add_host(const Fields& filter, Position at, const Context& context, TaskFilter& out) {
  if (!context.kernel()) {
    out.host_ns = true;
    return;
  }
  const uint32_t inode = host_namespace(context.kernel()->host_namespaces(), out.field);
  if (inode != 0) return out.predicate.numbers.push_back(inode);
  filter.error(at, "host_ns: this kernel has no such namespace");
}

std::optional<uint8_t> read_name(const Fields& filter, std::string_view field, std::span<const NamedNumber> table) {
  if (!filter.require(field)) return std::nullopt;
  const auto name = filter.string(field);
  if (!name) return std::nullopt;
  if (const auto number = number_of(table, *name)) return static_cast<uint8_t>(*number);
  filter.error(filter.find(field)->position,
               fmt::format("{}: unknown name `{}`{}", field, *name, suggestion(table, *name)));
  return std::nullopt;
}

class TaskReader {
 public:
  TaskReader(const Fields& selector, const Context& context, Selector& out)
      : selector_(selector), context_(context), out_(out) {}

  void read() {
    each("matchPIDs", {{"operator", "values", "followForks", "isNamespacePID"}}, &TaskReader::pids);
    each("matchBinaries", {{"operator", "values", "followChildren"}}, &TaskReader::binaries);
    each("matchParentBinaries", {{"operator", "values", "followChildren"}}, &TaskReader::binaries);
    each("matchNamespaces", {{"namespace", "operator", "values"}}, &TaskReader::namespaces);
    each("matchNamespaceChanges", {{"operator", "values"}}, &TaskReader::namespace_changes);
    each("matchCapabilities", {{"type", "operator", "values", "isNamespaceCapability"}}, &TaskReader::capabilities);
    each("matchCapabilityChanges", {{"type", "operator", "values", "isNamespaceCapability"}},
         &TaskReader::capabilities);
    each("matchCurrentCred", {{"uid", "ruid", "euid", "suid", "fsuid", "gid", "rgid", "egid", "sgid", "fsgid"}},
         &TaskReader::credentials);
  }

 private:
  using Reader = void (TaskReader::*)(const Fields& filter, std::string_view block);

  void each(std::string_view block, const FieldNames& names, Reader reader) {
    const auto list = selector_.list(block);
    for (size_t i = 0; i < list.size(); ++i) {
      const Fields filter(list[i], selector_.where() + "." + item_name(block, i), names, selector_.sink());
      if (filter.is_map()) (this->*reader)(filter, block);
    }
  }

  void pids(const Fields& filter, std::string_view block) {
    PidFilter pids;
    pids.negated = read_membership(filter, block).value_or(false);
    pids.follow_forks = filter.boolean("followForks", false);
    pids.namespace_pid = filter.boolean("isNamespacePID", false);
    for (const auto& [text, at] : read_values(filter)) {
      const auto pid = parse_number(text, false, 32);
      if (pid.ok() && *pid <= kMaxPid) {
        pids.pids.push_back(static_cast<uint32_t>(*pid));
      } else {
        filter.error(at, fmt::format("values: expected a pid (0 to {}), found `{}`", kMaxPid, text));
      }
    }
    out_.pids.push_back(std::move(pids));
  }

  void binaries(const Fields& filter, std::string_view block) {
    BinaryFilter binary;
    binary.parent = block == "matchParentBinaries";
    binary.follow_children = filter.boolean("followChildren", false);
    auto predicate = read_binary_predicate(filter, block);
    if (!predicate) return;
    if (binary.follow_children && predicate->match != Match::kExact) {
      filter.error(filter.find("followChildren")->position, "followChildren goes with `In` and `NotIn`");
    }
    binary.predicate = std::move(*predicate);
    out_.binaries.push_back(std::move(binary));
  }

  void namespaces(const Fields& filter, std::string_view block) {
    TaskFilter out;
    out.source = TRIGON_SRC_NAMESPACE;
    const auto which = read_name(filter, "namespace", kNamespaces);
    out.predicate.negated = read_membership(filter, block).value_or(false);
    const auto values = read_values(filter);
    if (!which) return;
    out.field = *which;
    for (const auto& [text, at] : values) {
      if (text == kHost) {
        add_host(filter, at, context_, out);
        continue;
      }
      const auto inode = parse_number(text, false, 32, false, true);
      if (inode.ok()) {
        out.predicate.numbers.push_back(*inode);
      } else {
        filter.error(at,
                     fmt::format("values: expected the inode number of a namespace or `{}`, found `{}`", kHost, text));
      }
    }
    out_.tasks.push_back(std::move(out));
  }

  void namespace_changes(const Fields& filter, std::string_view block) {
    TaskFilter out;
    out.source = TRIGON_SRC_NS_CHANGES;
    out.predicate.match = Match::kMask;
    out.predicate.negated = read_membership(filter, block).value_or(false);
    for (const auto& [text, at] : read_values(filter)) {
      if (const auto which = number_of(kNamespaces, text)) {
        out.predicate.mask |= 1ULL << *which;
      } else {
        filter.error(at, fmt::format("values: unknown namespace `{}`{}", text, suggestion(kNamespaces, text)));
      }
    }
    out_.tasks.push_back(std::move(out));
  }

  void capabilities(const Fields& filter, std::string_view block) {
    TaskFilter out;
    out.source = block == "matchCapabilities" ? TRIGON_SRC_CAPS : TRIGON_SRC_CAP_CHANGES;
    out.predicate.match = Match::kMask;
    const auto set =
        filter.find("type") ? read_name(filter, "type", kCapabilitySets) : std::optional<uint8_t>(TRIGON_CAP_EFFECTIVE);
    out.predicate.negated = read_membership(filter, block).value_or(false);
    out.predicate.mask = read_capabilities(filter, read_values(filter));
    out.field = set.value_or(TRIGON_CAP_EFFECTIVE);
    out_.tasks.push_back(std::move(out));
    if (!filter.boolean("isNamespaceCapability", false)) return;
    // Capabilities in a user namespace that is not the host's.
    TaskFilter in_namespace;
    in_namespace.source = TRIGON_SRC_NAMESPACE;
    in_namespace.field = TRIGON_NS_USER;
    in_namespace.predicate.negated = true;
    add_host(filter, filter.find("isNamespaceCapability")->position, context_, in_namespace);
    out_.tasks.push_back(std::move(in_namespace));
  }

  // Each id has a list of {operator, values}; a single one may stand without a list.
  void credentials(const Fields& filter, std::string_view) {
    bool any = false;
    for (const NamedNumber& id : kCredentialIds) {
      const Node* node = filter.find(id.name);
      if (!node) continue;
      any = true;
      const std::span<const Node> list =
          node->is_sequence() ? std::span<const Node>(node->items) : std::span<const Node>(node, 1);
      for (size_t i = 0; i < list.size(); ++i) {
        const Fields entry(list[i], filter.where() + "." + item_name(id.name, i), {{"operator", "values"}},
                           filter.sink());
        if (entry.is_map()) credential(entry, id);
      }
    }
    if (!any) filter.error(filter.position(), fmt::format("{}: no id, expected one of {}", filter.where(), id_names()));
  }

  static std::string id_names() {
    std::vector<std::string_view> names;
    for (const NamedNumber& id : kCredentialIds) names.push_back(id.name);
    return quoted_list(names);
  }

  void credential(const Fields& entry, const NamedNumber& id) {
    constexpr std::string_view kOperators[] = {"Equal", "NotEqual", "In", "NotIn"};
    if (!entry.require("operator")) return;
    const std::string name = entry.string("operator").value_or("");
    TaskFilter out;
    out.source = TRIGON_SRC_CRED;
    out.field = static_cast<uint8_t>(id.number);
    out.predicate.match = Match::kRanges;
    if (name == "NotEqual" || name == "NotIn" || name == "neq" || name == "notequal" || name == "notin") {
      out.predicate.negated = true;
    } else if (name != "Equal" && name != "In" && name != "eq" && name != "equal" && name != "in") {
      return entry.error(
          entry.find("operator")->position,
          fmt::format("operator `{}` does not apply to ids, which have {}", name, quoted_list(kOperators)));
    }
    for (const auto& [text, at] : read_values(entry)) {
      if (const auto range = read_interval(entry, id.name, text, at, false, kIdBits)) {
        out.predicate.ranges.push_back(*range);
      }
    }
    out_.tasks.push_back(std::move(out));
  }

  const Fields& selector_;
  const Context& context_;
  Selector& out_;
};

}  // namespace

void read_task_filters(const Fields& selector, const Context& context, Selector& out) {
  TaskReader(selector, context, out).read();
}

}  // namespace trigon::policy
