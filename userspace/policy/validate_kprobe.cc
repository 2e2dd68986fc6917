// Entries of kprobes, fentries and enforcers: system calls and functions of the kernel.
#include <fmt/format.h>

#include "policy/fields.h"
#include "policy/validate_call.h"
#include "policy/validate_hook.h"

namespace trigon::policy {
namespace {

// Parameters of a function that a program can read (MAX_BPF_FUNC_ARGS in include/linux/bpf.h).
constexpr uint32_t kMaxFunctionIndex = 11;

void read_return_action(const Fields& fields, Hook& hook) {
  constexpr std::string_view kActions[] = {"TrackSock", "UntrackSock", "Post"};
  const Node* node = fields.find("returnArgAction");
  const auto action = node ? fields.string("returnArgAction") : std::nullopt;
  if (!action || action->empty() || *action == "Post") return;
  if (*action != "TrackSock" && *action != "UntrackSock") {
    return fields.error(node->position,
                        fmt::format("returnArgAction: expected {}, found `{}`", quoted_list(kActions), *action));
  }
  (*action == "TrackSock" ? hook.track_return : hook.untrack_return) = true;
  if (!hook.return_arg || hook.return_arg->conf.type != TRIGON_ARG_SOCK) {
    fields.error(node->position, fmt::format("returnArgAction: {} needs a `returnArg` of type `sock`", *action));
  }
}

// The prototype, when there is a kernel; false when there is no such function in it.
bool find_prototype(const Fields& fields, Position at, bool may_be_absent, const Context& context, Hook& hook,
                    ArgPlace& place) {
  if (!context.kernel()) return true;
  auto prototype = context.kernel()->function(hook.function);
  if (prototype.ok()) {
    place.prototype = std::move(*prototype);
    return true;
  }
  if (may_be_absent && prototype.error().code() == ErrorCode::kUnsupported) {
    hook.absent = true;
  } else {
    fields.error(at, fmt::format("call: {}{}", prototype.error().message(),
                                 prototype.error().code() == ErrorCode::kUnsupported
                                     ? " (`ignore: {callNotFound: true}` leaves it out where there is none)"
                                     : ""));
  }
  return false;
}

void place_syscall(const Target& target, Hook& hook, ArgPlace& place) {
  hook.is_syscall = true;
  hook.target = target;
  place.kind = ArgPlace::Kind::kSyscall;
  place.max_index = kCallRegisters - 1;
  place.subject = syscall_name(target.abi, target.number);
  // A 32-bit ABI splits 64-bit parameters over two registers, so its counts differ.
  if (target.abi != Abi::kI386) place.names = syscall_args(place.subject);
}

Hook read_one(const Fields& fields, const Call& call, bool fentry, bool may_be_absent, const Context& context) {
  Hook hook;
  hook.kind = HookKind::kKprobe;
  hook.position = fields.position();
  hook.function = call.name;
  hook.absent = call.absent;
  hook.unresolved = call.unresolved;
  if (call.absent) return hook;
  const Position at = fields.find("call")->position;
  ArgPlace place;
  place.returns = fields.boolean("return", false);
  bool known = true;
  if (call.target) {
    place_syscall(*call.target, hook, place);
  } else {
    hook.point.kind = HookPoint::Kind::kFunction;
    hook.point.symbol = call.name;
    hook.point.trampoline_only = fentry;
    hook.point.no_multi = context.no_kprobe_multi;
    place.kind = ArgPlace::Kind::kFunction;
    place.max_index = kMaxFunctionIndex;
    place.subject = call.name;
    place.registers = !fentry;
    known = find_prototype(fields, at, may_be_absent, context, hook, place);
    if (hook.absent) return hook;
  }
  const bool args_known = read_args(fields, place, context, hook) && known;
  read_return_action(fields, hook);
  read_common(fields, args_known, context, hook);
  return hook;
}

// What can be said of an entry whose call is not known.
void read_without_call(const Fields& fields, bool fentry, const Context& context) {
  Hook hook;
  hook.point.trampoline_only = fentry;
  // Actions that only some calls can carry are not complained about as well.
  hook.is_syscall = true;
  ArgPlace place;
  place.kind = ArgPlace::Kind::kSyscall;
  place.max_index = kMaxFunctionIndex;
  place.returns = fields.boolean("return", false);
  if (fields.find("syscall") && !fields.boolean("syscall", true)) place.kind = ArgPlace::Kind::kFunction;
  read_args(fields, place, context, hook);
  read_common(fields, false, context, hook);
}

std::vector<Hook> read_entry(const Node& node, const std::string& where, bool fentry, const Context& context) {
  const Fields fields(node, where,
                      {{"call", "syscall", "return", "returnArg", "returnArgAction", "args", "data", "message", "tags",
                        "selectors", "ignore"}},
                      context.sink);
  if (!fields.is_map()) return {};
  const bool may_be_absent = read_ignore(fields, "callNotFound");
  const std::optional<bool> syscall =
      fields.find("syscall") ? std::optional(fields.boolean("syscall", true)) : std::nullopt;
  const Node* call = fields.require("call");
  const auto calls = call ? read_call(*call, "call", syscall, may_be_absent, context) : std::nullopt;
  if (!calls) {
    read_without_call(fields, fentry, context);
    return {};
  }
  std::vector<Hook> hooks;
  const size_t before = context.sink.count();
  for (const Call& each : *calls) {
    Hook hook = read_one(fields, each, fentry, may_be_absent, context);
    if (context.sink.count() != before) break;  // the same again for every entry of a list
    if (!hook.absent) hooks.push_back(std::move(hook));
  }
  return hooks;
}

std::string cannot_answer(std::string_view call) {
  return fmt::format(
      "calls: `{}` cannot be answered in place of the kernel: system calls (`sys_*`) and security_* "
      "functions can",
      call);
}

}  // namespace

std::vector<Hook> read_kprobe(const Node& node, const std::string& where, const Context& context) {
  return read_entry(node, where, false, context);
}

std::vector<Hook> read_fentry(const Node& node, const std::string& where, const Context& context) {
  return read_entry(node, where, true, context);
}

std::vector<Hook> read_enforcer(const Node& node, const std::string& where, const Context& context) {
  const Fields fields(node, where, {{"calls"}, {}, {{"syscalls", "`calls`"}}}, context.sink);
  if (!fields.is_map()) return {};
  std::vector<Hook> hooks;
  const auto list = fields.list("calls");
  if (list.empty() && fields.require("calls")) {
    fields.error(fields.find("calls")->position, fmt::format("{}: `calls` is empty", where));
  }
  for (const Node& item : list) {
    const bool function = item.is_scalar() && item.scalar.starts_with("security_");
    const bool of_list = item.is_scalar() && item.scalar.starts_with("list:");
    const bool syscall = item.is_scalar() &&
                         (item.scalar.find("sys_") != std::string::npos || item.scalar.find('/') != std::string::npos);
    if (item.is_scalar() && !function && !of_list && !syscall) {
      fields.error(item.position, cannot_answer(item.scalar));
      continue;
    }
    const auto calls = read_call(item, "calls", of_list ? std::nullopt : std::optional(!function), false, context);
    if (!calls) continue;
    for (const Call& call : *calls) {
      Hook hook;
      hook.kind = HookKind::kKprobe;
      hook.enforcer = true;
      hook.position = item.position;
      hook.function = call.name;
      hook.unresolved = call.unresolved;
      ArgPlace place;
      if (call.target) {
        place_syscall(*call.target, hook, place);
      } else {
        if (!call.name.starts_with("security_") && !call.unresolved) {
          fields.error(item.position, cannot_answer(call.name));
          break;
        }
        hook.point.symbol = call.name;
        hook.point.no_multi = context.no_kprobe_multi;
        if (!find_prototype(fields, item.position, false, context, hook, place)) break;
      }
      hook.selectors.emplace_back();
      hook.selectors.back().actions.post = false;
      hook.selectors.back().position = item.position;
      hooks.push_back(std::move(hook));
    }
  }
  return hooks;
}

}  // namespace trigon::policy
