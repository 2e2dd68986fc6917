// Entries of tracepoints and lsmhooks.
#include <fmt/format.h>

#include "policy/fields.h"
#include "policy/validate_call.h"
#include "policy/validate_hook.h"

namespace trigon::policy {
namespace {

constexpr std::string_view kSyscallEnter = "sys_enter_";
// Fields of a format file: far beyond any there is.
constexpr uint32_t kMaxRecordField = 255;
// Arguments of a tracepoint or an LSM hook (MAX_BPF_FUNC_ARGS).
constexpr uint32_t kMaxPrototypeIndex = 11;
constexpr uint32_t kFirstSyscallField = 5;

// Where the kernel has the same event without a record: all system calls share one program. Their numbers and arguments
// are what the tracepoints of single calls say, so these are served by it too. With `raw: true` the caller wants the
// pointers of TP_PROTO instead.
bool is_syscall_tracepoint(const Hook& hook, bool raw) {
  if (raw) return false;
  return (hook.subsystem == "raw_syscalls" && hook.event == "sys_enter") ||
         (hook.subsystem == "syscalls" && hook.event.starts_with(kSyscallEnter));
}

bool place_syscalls(const Fields& fields, const Context& context, Hook& hook, ArgPlace& place) {
  hook.is_syscall = true;
  place.max_index = kFirstSyscallField + kCallRegisters - 1;
  if (hook.subsystem == "raw_syscalls") {
    hook.raw_syscalls = true;
    place.kind = ArgPlace::Kind::kRawSyscalls;
    return true;
  }
  place.kind = ArgPlace::Kind::kFormatField;
  const Abi abi = native_abi(context.options.arch);
  const std::string_view name = std::string_view(hook.event).substr(kSyscallEnter.size());
  const auto number = syscall_number(abi, name);
  if (!number) {
    fields.error(fields.find("event")->position, unknown_syscall(hook.event, kSyscallEnter, name, abi));
    return false;
  }
  hook.target = {abi, *number};
  place.subject = syscall_name(abi, *number);
  place.names = syscall_args(place.subject);
  return true;
}

template <typename T>
bool found(const Fields& fields, Position at, std::string_view field, Result<T> result, std::optional<T>& out) {
  if (result.ok()) {
    out = std::move(*result);
    return true;
  }
  fields.error(at, fmt::format("{}: {}", field, result.error().message()));
  return false;
}

bool place_tracepoint(const Fields& fields, bool raw, const Context& context, Hook& hook, ArgPlace& place) {
  hook.point.kind = raw ? HookPoint::Kind::kRawTracepoint : HookPoint::Kind::kTracepoint;
  hook.point.symbol = hook.event;
  if (!raw) hook.point.subsystem = hook.subsystem;
  place.kind = raw ? ArgPlace::Kind::kFunction : ArgPlace::Kind::kRecord;
  place.max_index = raw ? kMaxPrototypeIndex : kMaxRecordField;
  place.subject = fmt::format("{}/{}", hook.subsystem, hook.event);
  if (!context.kernel()) return true;
  const Position at = fields.find("event")->position;
  return raw ? found(fields, at, "event", context.kernel()->raw_tracepoint(hook.event), place.prototype)
             : found(fields, at, "event", context.kernel()->tracepoint(hook.subsystem, hook.event), place.record);
}

}  // namespace

std::vector<Hook> read_tracepoint(const Node& node, const std::string& where, const Context& context) {
  Hook hook;
  hook.kind = HookKind::kTracepoint;
  hook.position = node.position;
  const Fields fields(node, where, {{"subsystem", "event", "raw", "args", "message", "tags", "selectors"}},
                      context.sink);
  if (!fields.is_map()) return {};
  const size_t before = context.sink.count();
  if (fields.require("subsystem")) hook.subsystem = fields.string("subsystem").value_or("");
  if (fields.require("event")) hook.event = fields.string("event").value_or("");
  const bool raw = fields.boolean("raw", false);
  ArgPlace place;
  bool known = context.sink.count() == before;
  if (known) {
    known = is_syscall_tracepoint(hook, raw) ? place_syscalls(fields, context, hook, place)
                                             : place_tracepoint(fields, raw, context, hook, place);
  } else {
    place.max_index = kMaxRecordField;
  }
  const bool args_known = read_args(fields, place, context, hook) && known;
  read_common(fields, args_known, context, hook);
  return {std::move(hook)};
}

std::vector<Hook> read_lsm_hook(const Node& node, const std::string& where, const Context& context) {
  Hook hook;
  hook.kind = HookKind::kLsm;
  hook.position = node.position;
  const Fields fields(node, where, {{"hook", "args", "message", "tags", "selectors"}}, context.sink);
  if (!fields.is_map()) return {};
  const Node* name = fields.require("hook");
  hook.function = name ? fields.string("hook").value_or("") : "";
  hook.point.kind = HookPoint::Kind::kLsm;
  hook.point.symbol = hook.function;
  ArgPlace place;
  place.max_index = kMaxPrototypeIndex;
  place.subject = hook.function;
  bool known = !hook.function.empty();
  for (const std::string_view prefix : {"security_", "bpf_lsm_"}) {
    if (!hook.function.starts_with(prefix)) continue;
    fields.error(name->position, fmt::format("hook: LSM hooks are written without `{}`: `{}`", prefix,
                                             hook.function.substr(prefix.size())));
    known = false;
  }
  if (known && context.kernel()) {
    known = found(fields, name->position, "hook", context.kernel()->lsm(hook.function), place.prototype);
  }
  const bool args_known = read_args(fields, place, context, hook) && known;
  read_common(fields, args_known, context, hook);
  return {std::move(hook)};
}

}  // namespace trigon::policy
