#include "policy/validate_selector.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/suggest.h"
#include "policy/fields.h"
#include "policy/types.h"
#include "policy/validate_actions.h"
#include "policy/validate_predicate.h"
#include "policy/validate_task.h"
#include "policy/validate_workload.h"

namespace trigon::policy {
namespace {

const std::initializer_list<std::string_view> kBlocks = {"label",
                                                         "macros",
                                                         "matchArgs",
                                                         "matchData",
                                                         "matchReturnArgs",
                                                         "matchActions",
                                                         "matchReturnActions",
                                                         "matchPIDs",
                                                         "matchBinaries",
                                                         "matchParentBinaries",
                                                         "matchNamespaces",
                                                         "matchNamespaceChanges",
                                                         "matchCapabilities",
                                                         "matchCapabilityChanges",
                                                         "matchCurrentCred",
                                                         "matchWorkloads"};

const std::vector<Arg>& values_of(const Hook& hook, Role role) { return role == Role::kData ? hook.data : hook.args; }

// Positions that a filter gives in `args`: one, or two for operators over two arguments.
std::vector<size_t> find_positions(const Fields& filter, const std::vector<Arg>& values) {
  std::vector<size_t> out;
  const auto list = filter.values("args");
  if (list.empty() || list.size() > 2) {
    filter.error(filter.find("args")->position,
                 fmt::format("args: expected one position or two, found {}", list.size()));
    return {};
  }
  for (const auto& [text, at] : list) {
    const auto position = parse_number(text, false, 32);
    if (position.ok() && *position < values.size()) {
      out.push_back(*position);
      continue;
    }
    filter.error(at, fmt::format("args: position `{}` does not exist, the hook declares {} arguments (positions count "
                                 "from 0)",
                                 text, values.size()));
    return {};
  }
  return out;
}

// The argument that a filter names: by position in args, or by the index that the argument declares.
std::vector<size_t> find_args(const Fields& filter, const Hook& hook, Role role) {
  const std::vector<Arg>& values = values_of(hook, role);
  if (filter.find("args")) return find_positions(filter, values);
  const Node* node = filter.find("index");
  const auto index = node ? filter.number("index", 0, std::numeric_limits<uint32_t>::max()) : 0;
  if (!index) return {};
  if (role == Role::kData) {
    if (*index < values.size()) return {*index};
    filter.error(node ? node->position : filter.position(),
                 fmt::format("index: there is no `data[{}]`, the hook declares {}", *index, values.size()));
    return {};
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].index == *index) return {i};
  }
  // Tracepoints: policies for other versions count positions, because fields start at 4 or more.
  if (hook.kind == HookKind::kTracepoint && *index < values.size()) return {*index};
  std::string declared;
  for (const Arg& arg : values) declared += fmt::format("{}{}", declared.empty() ? "" : ", ", arg.index);
  filter.error(node ? node->position : filter.position(),
               fmt::format("index: no argument with index {} is declared in `args` ({})", *index,
                           declared.empty() ? "there are none" : "there is " + declared));
  return {};
}

// A value whose type only the kernel knows.
bool is_open(const Arg& arg) { return arg.unresolved && arg.type == "auto"; }

void read_match(const Fields& selector, std::string_view block, Role role, const Hook& hook, bool args_known,
                const Context& context, std::vector<ArgFilter>& out) {
  const auto list = selector.list(block);
  for (size_t i = 0; i < list.size(); ++i) {
    const Fields filter(list[i], selector.where() + "." + item_name(block, i),
                        {{"index", "args", "operator", "values"}}, selector.sink());
    if (!filter.is_map()) continue;
    if (!args_known) {
      check_arg_operator(filter);
      continue;
    }
    if (role == Role::kReturn) {
      if (!hook.return_arg) {
        filter.error(filter.position(), "matchReturnArgs needs `return: true` and `returnArg`");
      } else if (is_open(*hook.return_arg)) {
        check_arg_operator(filter);
      } else if (auto predicate = read_arg_predicate(filter, *hook.return_arg, nullptr, context)) {
        out.push_back({.arg = 0, .predicate = std::move(*predicate), .role = role});
      }
      continue;
    }
    const auto found = find_args(filter, hook, role);
    if (found.empty()) continue;
    const std::vector<Arg>& values = values_of(hook, role);
    if (is_open(values[found[0]])) {
      check_arg_operator(filter);
      continue;
    }
    const Arg* second = found.size() > 1 ? &values[found[1]] : nullptr;
    auto predicate = read_arg_predicate(filter, values[found[0]], second, context);
    if (!predicate) continue;
    // What is read at the return can only be decided there.
    const bool late = values[found[0]].conf.flags & TRIGON_CONF_AT_RETURN;
    if (late) {
      filter.error(filter.position(),
                   fmt::format("{}: argument {} is read at the return (returnCopy) and cannot decide at "
                               "the entry",
                               filter.where(), values[found[0]].index));
      continue;
    }
    out.push_back({.arg = found[0], .predicate = std::move(*predicate), .role = role, .second = second ? found[1] : 0});
  }
}

// A selector with the blocks of its macros, and where they came from is where they stand.
Node with_macros(const Fields& selector, const Node& node, const Context& context) {
  Node merged = node;
  for (const auto& [name, at] : selector.values("macros")) {
    const Node* macro = nullptr;
    std::vector<std::string_view> names;
    for (const auto& [known, body] : context.macros) {
      names.push_back(known);
      if (known == name) macro = body;
    }
    if (!macro) {
      selector.error(at, fmt::format("macros: there is no `{}` in selectorsMacros{}", name, did_you_mean(name, names)));
      continue;
    }
    for (const NodeEntry& entry : macro->entries) {
      if (!entry.key.is_scalar() || entry.key.scalar == "macros") continue;  // said by read_macros
      const Node* present = merged.find(entry.key.scalar);
      if (present && !present->is_null()) {
        selector.error(
            at, fmt::format("macros: `{}` has `{}`, which {} has already", name, entry.key.scalar, selector.where()));
        continue;
      }
      std::erase_if(merged.entries, [&](const NodeEntry& other) { return other.key.scalar == entry.key.scalar; });
      merged.entries.push_back(entry);
    }
  }
  return merged;
}

void read_blocks(const Fields& selector, const Hook& hook, bool args_known, const Context& context, Selector& out) {
  out.label = selector.string("label").value_or("");
  read_match(selector, "matchArgs", Role::kArg, hook, args_known, context, out.args);
  read_match(selector, "matchData", Role::kData, hook, args_known, context, out.args);
  read_match(selector, "matchReturnArgs", Role::kReturn, hook, args_known, context, out.return_args);
  read_task_filters(selector, context, out);
  if (const Node* node = selector.find("matchWorkloads")) {
    const Fields fields(*node, selector.where() + ".matchWorkloads",
                        {{"podSelector", "containerSelector", "hostSelector"}}, selector.sink());
    if (fields.is_map()) out.workload = read_workload(fields);
    if (fields.is_map() && out.workload->any()) {
      fields.error(fields.position(), "matchWorkloads: expected `podSelector`, `containerSelector` or `hostSelector`");
    }
  }
  read_actions(selector, hook, args_known, context, out);
}

}  // namespace

void read_macros(const Node& node, Context& context) {
  if (!node.is_map()) return context.sink.error(node.position, "selectorsMacros: expected a map of names to selectors");
  for (const NodeEntry& entry : node.entries) {
    if (!entry.key.is_scalar()) {
      context.sink.error(entry.key.position, "selectorsMacros: a name is text");
      continue;
    }
    const Fields macro(entry.value, "selectorsMacros." + entry.key.scalar, {kBlocks}, context.sink);
    if (!macro.is_map()) continue;
    if (const Node* nested = macro.find("macros")) {
      context.sink.error(nested->position, fmt::format("{}: a macro cannot name macros", macro.where()));
    }
    const bool repeated = std::any_of(context.macros.begin(), context.macros.end(),
                                      [&](const auto& other) { return other.first == entry.key.scalar; });
    if (repeated) {
      context.sink.error(entry.key.position, fmt::format("a macro named `{}` already exists", entry.key.scalar));
      continue;
    }
    context.macros.emplace_back(entry.key.scalar, &entry.value);
  }
}

Selector read_selector(const Node& node, const std::string& where, const Hook& hook, bool args_known,
                       const Context& context) {
  Selector out;
  out.position = node.position;
  const Fields selector(node, where, {kBlocks}, context.sink);
  if (!selector.is_map()) return out;
  if (!selector.find("macros")) {
    read_blocks(selector, hook, args_known, context, out);
    return out;
  }
  const Node merged = with_macros(selector, node, context);
  read_blocks(Fields(merged, where, context.sink), hook, args_known, context, out);
  return out;
}

}  // namespace trigon::policy
