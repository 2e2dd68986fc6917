#include "policy/validate_hook.h"

#include <fmt/format.h>

#include "base/suggest.h"
#include "policy/fields.h"
#include "policy/validate_args.h"
#include "policy/validate_selector.h"

namespace trigon::policy {
namespace {

constexpr size_t kMinMessage = 2, kMaxMessage = 256;
constexpr size_t kMaxTags = 16, kMinTag = 2, kMaxTag = 128;

constexpr std::string_view kSyscallEnter = "sys_enter_";

void read_message(const Fields& fields, Hook& hook) {
  const Node* node = fields.find("message");
  if (!node) return;
  hook.message = read_string(*node, "message", fields.sink()).value_or(std::string(kMinMessage, ' '));
  if (hook.message.size() < kMinMessage || hook.message.size() > kMaxMessage) {
    fields.error(node->position, fmt::format("message: expected {} to {} characters, found {}", kMinMessage,
                                             kMaxMessage, hook.message.size()));
  }
}

void read_tags(const Fields& fields, Hook& hook) {
  const auto list = fields.list("tags");
  for (size_t i = 0; i < list.size(); ++i) {
    const auto tag = read_string(list[i], item_name("tags", i), fields.sink());
    if (!tag) continue;
    if (i == kMaxTags) fields.error(list[i].position, fmt::format("tags: more than {}", kMaxTags));
    if (tag->size() < kMinTag || tag->size() > kMaxTag) {
      fields.error(list[i].position,
                   fmt::format("tags: expected {} to {} characters, found {}", kMinTag, kMaxTag, tag->size()));
    }
    hook.tags.push_back(*tag);
  }
}

void read_selectors(const Fields& fields, bool args_known, Hook& hook) {
  const auto list = fields.list("selectors");
  for (size_t i = 0; i < list.size(); ++i) {
    hook.selectors.push_back(
        read_selector(list[i], fields.where() + "." + item_name("selectors", i), hook, args_known, fields.sink()));
  }
  if (list.empty()) {
    hook.selectors.emplace_back();  // every call posts
    hook.selectors.back().position = fields.position();
  }
}

void unknown_syscall(const Fields& fields, const Node& node, std::string_view prefix, std::string_view name, Abi abi) {
  const auto names = syscall_names(abi);
  const auto near = nearest(name, names);
  fields.error(node.position, fmt::format("`{}` is not a system call of {}{}", node.scalar, abi_name(abi),
                                          near ? fmt::format(", did you mean `{}{}`?", prefix, *near) : std::string()));
}

// ignore.callNotFound: a policy for several machines names calls that not all of them have.
bool read_may_be_absent(const Fields& fields) {
  const Node* node = fields.find("ignore");
  if (!node) return false;
  const Fields ignore(*node, fields.where() + ".ignore", {{"callNotFound"}}, fields.sink());
  return ignore.is_map() && ignore.boolean("callNotFound", false);
}

// "sys_openat", "x64/sys_openat", "__x64_sys_openat".
void read_call(const Fields& fields, const Options& options, Hook& hook) {
  const Node* node = fields.require("call");
  if (!node) return;
  const auto text = read_string(*node, "call", fields.sink());
  if (!text) return;
  hook.function = *text;
  std::string_view name = *text;
  if (name.starts_with("list:")) return fields.error(node->position, not_supported("call: list:"));

  Abi abi = native_abi(options.arch);
  std::string_view stem;
  struct Prefix {
    std::string_view text;
    Abi abi;
  };
  constexpr Prefix kPrefixes[] = {{"x64/", Abi::kX64},   {"i386/", Abi::kI386},   {"arm64/", Abi::kArm64},
                                  {"__x64_", Abi::kX64}, {"__ia32_", Abi::kI386}, {"__arm64_", Abi::kArm64}};
  if (name.starts_with("arm32/")) return fields.error(node->position, not_supported("arm32/"));
  for (const Prefix& prefix : kPrefixes) {
    if (!name.starts_with(prefix.text)) continue;
    stem = prefix.text;
    abi = prefix.abi;
    name.remove_prefix(prefix.text.size());
    break;
  }
  const size_t slash = name.find('/');
  if (slash != std::string_view::npos) {
    return fields.error(node->position, fmt::format("call: unknown ABI `{}`, expected `x64`, `i386` or `arm64`",
                                                    name.substr(0, slash)));
  }
  const bool runs_here = abi == native_abi(options.arch) || (abi == Abi::kI386 && options.arch == Arch::kX86_64);
  const bool may_be_absent = read_may_be_absent(fields);
  if (!runs_here && may_be_absent) {
    hook.absent = true;
    return;
  }
  if (!runs_here) {
    return fields.error(node->position, fmt::format("call: `{}` is for {}, this machine is {}", *text, abi_name(abi),
                                                    options.arch == Arch::kArm64 ? "arm64" : "x86_64"));
  }
  const std::string prefix = std::string(stem) + "sys_";
  if (!name.starts_with("sys_")) {
    if (syscall_number(abi, name)) {
      return fields.error(
          node->position,
          fmt::format("call: system calls are written with `sys_`: did you mean `{}{}`?", prefix, name));
    }
    return unknown_syscall(fields, *node, prefix, name, abi);
  }
  name.remove_prefix(4);
  const auto number = syscall_number(abi, name);
  hook.absent = !number && may_be_absent;
  if (hook.absent) return;
  if (!number) return unknown_syscall(fields, *node, prefix, name, abi);
  hook.target = {abi, *number};
}

// Whether this is a system call at all; the rest of the entry makes no sense otherwise.
bool read_is_syscall(const Fields& fields) {
  if (fields.boolean("syscall", true)) return true;
  const Node* call = fields.find("call");
  fields.error(fields.find("syscall")->position,
               fmt::format("`syscall: false`{} is known but not supported by this version: only system calls can be "
                           "hooked",
                           call && call->is_scalar() ? fmt::format(" (kernel function {})", call->scalar) : ""));
  return false;
}

}  // namespace

Hook read_kprobe(const Node& node, const std::string& where, const Options& options, Sink& sink) {
  Hook hook;
  hook.kind = HookKind::kKprobe;
  hook.position = node.position;
  const Fields fields(node, where,
                      {{"call", "syscall", "args", "message", "tags", "selectors", "ignore"},
                       {"return", "returnArg", "returnArgAction", "data"}},
                      sink);
  if (!fields.is_map()) return hook;
  const size_t before = sink.count();
  hook.is_syscall = read_is_syscall(fields);
  if (hook.is_syscall) read_call(fields, options, hook);
  const bool args_known = read_args(fields, ArgIndexing::kParameter, sink.count() == before && !hook.absent, hook);
  read_message(fields, hook);
  read_tags(fields, hook);
  read_selectors(fields, args_known, hook);
  return hook;
}

Hook read_tracepoint(const Node& node, const std::string& where, const Options& options, Sink& sink) {
  Hook hook;
  hook.kind = HookKind::kTracepoint;
  hook.position = node.position;
  const Fields fields(node, where, {{"subsystem", "event", "args", "message", "tags", "selectors"}, {"raw"}}, sink);
  if (!fields.is_map()) return hook;
  const size_t before = sink.count();
  const Node* subsystem = fields.require("subsystem");
  const Node* event = fields.require("event");
  if (subsystem) hook.subsystem = fields.string("subsystem").value_or("");
  if (event) hook.event = fields.string("event").value_or("");
  bool known = false;
  if (subsystem && event && sink.count() == before) {
    if (hook.subsystem == "raw_syscalls" && hook.event == "sys_enter") {
      hook.is_syscall = hook.raw_syscalls = known = true;
    } else if (hook.subsystem == "syscalls" && hook.event.starts_with(kSyscallEnter)) {
      const Abi abi = native_abi(options.arch);
      const std::string_view name = std::string_view(hook.event).substr(kSyscallEnter.size());
      if (const auto number = syscall_number(abi, name)) {
        hook.target = {abi, *number};
        hook.is_syscall = known = true;
      } else {
        unknown_syscall(fields, *event, kSyscallEnter, name, abi);
      }
    } else {
      sink.error(event->position, fmt::format("tracepoint `{}/{}` is not supported by this version, which has "
                                              "`raw_syscalls/sys_enter` and `syscalls/sys_enter_*`",
                                              hook.subsystem, hook.event));
    }
  }
  const ArgIndexing indexing = hook.raw_syscalls ? ArgIndexing::kRawSyscalls : ArgIndexing::kFormatField;
  const bool args_known = read_args(fields, indexing, known, hook);
  read_message(fields, hook);
  read_tags(fields, hook);
  read_selectors(fields, args_known, hook);
  return hook;
}

}  // namespace trigon::policy
