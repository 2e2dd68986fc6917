#include "policy/validate_selector.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/suggest.h"
#include "policy/fields.h"
#include "policy/types.h"
#include "policy/validate_predicate.h"

namespace trigon::policy {
namespace {

// PID_MAX_LIMIT of the kernel (threads.h, 64-bit).
constexpr uint32_t kMaxPid = 4 * 1024 * 1024;
// SIGRTMAX.
constexpr uint64_t kMaxSignal = 64;
constexpr uint16_t kSigkill = 9;

constexpr std::string_view kActions[] = {"Post", "NoPost", "Sigkill", "Signal"};
constexpr std::string_view kLaterActions[] = {"Override",
                                              "NotifyEnforcer",
                                              "CleanupEnforcerNotification",
                                              "GetUrl",
                                              "DnsLookup",
                                              "TrackSock",
                                              "UntrackSock",
                                              "Set",
                                              "FollowFD",
                                              "UnfollowFD",
                                              "CopyFD"};

// The argument that a filter names: by position in args, or by the index that the argument declares.
std::optional<size_t> find_arg(const Fields& filter, const Hook& hook) {
  if (const Node* positions = filter.find("args")) {
    const auto list = filter.list("args");
    if (!positions->is_sequence()) return std::nullopt;
    if (list.size() != 1) {
      filter.error(positions->position,
                   "args: expected one position (operators over several arguments are known but "
                   "not supported by this version)");
      return std::nullopt;
    }
    const auto position = parse_number(list[0].scalar, false, 32);
    if (position.ok() && *position < hook.args.size()) return *position;
    filter.error(list[0].position, fmt::format("args: position `{}` does not exist, the hook declares {} arguments "
                                               "(positions count from 0)",
                                               list[0].scalar, hook.args.size()));
    return std::nullopt;
  }
  const Node* node = filter.find("index");
  const auto index = node ? filter.number("index", 0, std::numeric_limits<uint32_t>::max()) : 0;
  if (!index) return std::nullopt;
  for (size_t i = 0; i < hook.args.size(); ++i) {
    if (hook.args[i].index == *index) return i;
  }
  std::string declared;
  for (const Arg& arg : hook.args) declared += fmt::format("{}{}", declared.empty() ? "" : ", ", arg.index);
  filter.error(node ? node->position : filter.position(),
               fmt::format("index: no argument with index {} is declared in `args` ({})", *index,
                           declared.empty() ? "there are none" : "there is " + declared));
  return std::nullopt;
}

void read_match_args(const Fields& selector, const Hook& hook, bool args_known, Selector& out) {
  const auto list = selector.list("matchArgs");
  for (size_t i = 0; i < list.size(); ++i) {
    const Fields filter(list[i], selector.where() + "." + item_name("matchArgs", i),
                        {{"index", "args", "operator", "values"}}, selector.sink());
    if (!filter.is_map()) continue;
    if (!args_known) {
      check_arg_operator(filter);
      continue;
    }
    const auto arg = find_arg(filter, hook);
    if (!arg) continue;
    if (auto predicate = read_arg_predicate(filter, hook.args[*arg])) {
      out.args.push_back({.arg = *arg, .predicate = std::move(*predicate)});
    }
  }
}

void read_match_binaries(const Fields& selector, Selector& out) {
  const auto list = selector.list("matchBinaries");
  for (size_t i = 0; i < list.size(); ++i) {
    const Fields filter(list[i], selector.where() + "." + item_name("matchBinaries", i),
                        {{"operator", "values"}, {"followChildren"}}, selector.sink());
    if (!filter.is_map()) continue;
    if (auto predicate = read_binary_predicate(filter)) out.binaries.push_back({.predicate = std::move(*predicate)});
  }
}

void read_match_pids(const Fields& selector, Selector& out) {
  const auto list = selector.list("matchPIDs");
  for (size_t i = 0; i < list.size(); ++i) {
    const Fields filter(list[i], selector.where() + "." + item_name("matchPIDs", i),
                        {{"operator", "values", "followForks", "isNamespacePID"}}, selector.sink());
    if (!filter.is_map()) continue;
    const auto negated = read_membership(filter);
    PidFilter pids;
    pids.negated = negated.value_or(false);
    pids.follow_forks = filter.boolean("followForks", false);
    pids.namespace_pid = filter.boolean("isNamespacePID", false);
    const auto values = filter.values("values");
    for (const auto& [text, at] : values) {
      const auto pid = parse_number(text, false, 32);
      if (pid.ok() && *pid <= kMaxPid) {
        pids.pids.push_back(static_cast<uint32_t>(*pid));
      } else {
        filter.error(at, fmt::format("values: expected a pid (0 to {}), found `{}`", kMaxPid, text));
      }
    }
    if (!filter.find("values") || (values.empty() && filter.find("values")->is_sequence())) {
      filter.error(filter.position(), fmt::format("{}: `values` is missing or empty", filter.where()));
    }
    out.pids.push_back(std::move(pids));
  }
}

void read_signal(const Fields& action, Position at, const std::string& name, Selector& out) {
  if (out.actions.signal != 0) return action.error(at, "a selector sends one signal");
  if (name == "Sigkill") {
    out.actions.signal = kSigkill;
    out.actions.is_sigkill = true;
  } else if (!action.find("argSig")) {
    action.error(at, "Signal: `argSig` is missing");
  } else if (const auto signal = action.number("argSig", 1, kMaxSignal)) {
    out.actions.signal = static_cast<uint16_t>(*signal);
  }
}

void read_actions(const Fields& selector, Selector& out) {
  const auto list = selector.list("matchActions");
  for (size_t i = 0; i < list.size(); ++i) {
    const Fields action(list[i], selector.where() + "." + item_name("matchActions", i),
                        {{"action", "argSig"},
                         {"argError", "argUrl", "argFqdn", "argSock", "argIndex", "argValue", "argRegs", "argFd",
                          "argName", "argNewSymbol", "argNewAddr", "argNewOffset", "rateLimit", "rateLimitScope",
                          "kernelStackTrace", "userStackTrace", "imaHash"}},
                        selector.sink());
    if (!action.is_map()) continue;
    const Node* node = action.require("action");
    const auto name = node ? action.string("action") : std::nullopt;
    if (!name) continue;
    if (*name != "Signal" && action.find("argSig")) {
      action.error(action.find("argSig")->position, fmt::format("argSig belongs to `Signal`, not to `{}`", *name));
    }
    if (*name == "NoPost") {
      out.actions.post = false;
    } else if (*name == "Sigkill" || *name == "Signal") {
      read_signal(action, node->position, *name, out);
    } else if (std::find(std::begin(kLaterActions), std::end(kLaterActions), *name) != std::end(kLaterActions)) {
      action.error(node->position, not_supported(*name));
    } else if (*name != "Post") {
      action.error(node->position, fmt::format("unknown action `{}`{}", *name, did_you_mean(*name, kActions)));
    }
  }
}

}  // namespace

Selector read_selector(const Node& node, const std::string& where, const Hook& hook, bool args_known, Sink& sink) {
  Selector out;
  out.position = node.position;
  const Fields selector(
      node, where,
      {{"matchArgs", "matchBinaries", "matchPIDs", "matchActions"},
       {"label", "macros", "matchData", "matchReturnArgs", "matchReturnActions", "matchParentBinaries",
        "matchNamespaces", "matchNamespaceChanges", "matchCapabilities", "matchCapabilityChanges", "matchWorkloads"}},
      sink);
  if (!selector.is_map()) return out;
  read_match_args(selector, hook, args_known, out);
  read_match_binaries(selector, out);
  read_match_pids(selector, out);
  read_actions(selector, out);
  return out;
}

}  // namespace trigon::policy
