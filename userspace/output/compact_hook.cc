// Lines of hooks. Well-known functions have a symbol and a layout of their own, in the manner that people know from
// Tetragon's compact output; every other hook is shown as a call with its arguments.
#include <algorithm>
#include <iterator>
#include <string>

#include "output/action.h"
#include "output/compact_writer.h"
#include "output/digest_text.h"
#include "output/names.h"
#include "output/plain_arg.h"
#include "output/stack_text.h"
#include "output/text.h"

namespace trigon::output {
namespace {

using policy::ArgSpec;
using policy::HookKind;

// Digits in `detail` are arguments by their number, `A` is the first that the policy lists, `N` is argument 1 as the
// name of a kind of namespace; everything else is text. An event that lacks one of them is shown like any other call.
// `label` may depend on argument 1.
struct KnownCall {
  enum class Label : uint8_t { kFixed, kMask, kProtection };
  std::string_view function;
  std::string_view symbol;
  std::string_view label;
  std::string_view detail;
  Label by = Label::kFixed;
};

constexpr KnownCall kKnownCalls[] = {
    {"sys_write", "📝", "write", "0 2 bytes"},
    {"sys_read", "📚", "read", "0 2 bytes"},
    {"fd_install", "📬", "open", "1"},
    {"sys_openat", "📬", "openat", "1"},
    {"sys_open", "📬", "open", "0"},
    {"sys_close", "📪", "close", "0"},
    {"sys_mount", "💾", "mount", "0 1"},
    {"sys_pivot_root", "💾", "pivot_root", "0 1"},
    {"sys_setuid", "🔑", "setuid", "0"},
    {"sys_clock_settime", "⏰", "clock_settime", ""},
    {"sys_setns", "🔧", "setns", "N"},
    {"sys_connect", "🔌", "connect", "1"},
    {"security_file_open", "📬", "open", "0"},
    {"security_file_permission", "", "", "0", KnownCall::Label::kMask},
    {"security_mmap_file", "📝", "mmap-", "0", KnownCall::Label::kProtection},
    {"security_path_truncate", "📝", "truncate", "0"},
    {"security_file_truncate", "📝", "truncate", "0"},
    {"security_bprm_check", "🚀", "exec", "A"},
    {"security_socket_connect", "🔌", "connect", "1"},
    {"security_socket_bind", "📎", "bind", "1"},
    {"tcp_connect", "🔌", "connect", "0"},
    {"tcp_close", "🧹", "close", "0"},
    {"tcp_sendmsg", "📤", "sendmsg", "0 bytes 2"},
    {"inet_csk_listen_start", "👂", "listen", "0"},
    {"bpf_check", "🐝", "bpf_load", "A"},
    {"security_perf_event_alloc", "🐝", "perf_event_alloc", "A"},
    {"security_bpf_map_alloc", "🗺", "bpf_map_create", "A"},
    {"security_bpf_map_create", "🗺", "bpf_map_create", "A"},
    {"do_init_module", "🧩", "module", "A"},
};

// "__x64_sys_openat" and "x64/sys_openat" are "sys_openat" to a reader.
std::string_view plain_function(std::string_view function) {
  for (const std::string_view prefix : {"__x64_", "__arm64_", "__ia32_", "x64/", "i386/", "arm64/", "arm32/"}) {
    if (function.substr(0, prefix.size()) == prefix) return function.substr(prefix.size());
  }
  return function;
}

const KnownCall* find_known(std::string_view function) {
  const auto* const found = std::find_if(std::begin(kKnownCalls), std::end(kKnownCalls),
                                         [&](const KnownCall& call) { return call.function == function; });
  return found == std::end(kKnownCalls) ? nullptr : found;
}

// The argument of that number, wherever the policy lists it; null: it does not.
const ArgSpec* find_arg(const HookEvent& event, uint32_t number) {
  const std::vector<ArgSpec>& args = event.selector.spec->args;
  const auto arg =
      std::find_if(args.begin(), args.end(), [&](const ArgSpec& a) { return a.index == number && a.type != "nop"; });
  return arg == args.end() ? nullptr : &*arg;
}

const ArgSpec* first_arg(const HookEvent& event) {
  const std::vector<ArgSpec>& args = event.selector.spec->args;
  const auto arg = std::find_if(args.begin(), args.end(), [](const ArgSpec& a) { return a.type != "nop"; });
  return arg == args.end() ? nullptr : &*arg;
}

// False: not in the event.
bool value_of(const HookEvent& event, const ArgSpec* arg, uint64_t* value) {
  if (arg == nullptr || arg->field >= event.hook.record->fields || !event.hook.is_readable(arg->field)) return false;
  *value = event.hook.record->field[arg->field].value;
  return true;
}

// MAY_WRITE and MAY_READ of include/linux/fs.h; PROT_* of mman.h.
constexpr uint64_t kMayWrite = 2;
constexpr uint64_t kMayRead = 4;
constexpr uint64_t kProtRead = 1;
constexpr uint64_t kProtWrite = 2;
constexpr uint64_t kProtExec = 4;

struct Title {
  std::string_view symbol;
  std::string label;
};

// False: argument 1 does not say what this call is.
bool title_of(const KnownCall& known, const HookEvent& event, Title* title) {
  *title = {known.symbol, std::string(known.label)};
  if (known.by == KnownCall::Label::kFixed) return true;
  uint64_t value = 0;
  if (!value_of(event, find_arg(event, 1), &value)) return false;
  if (known.by == KnownCall::Label::kProtection) {
    if (value & kProtRead) title->label += 'r';
    if (value & kProtWrite) title->label += 'w';
    if (value & kProtExec) title->label += 'x';
    return true;
  }
  if (value & kMayWrite) {
    *title = {"📝", "write"};
  } else if (value & kMayRead) {
    *title = {"📚", "read"};
  } else {
    return false;
  }
  return true;
}

}  // namespace

bool CompactWriter::put_detail(const HookEvent& event, std::string_view form, Buffer* out) {
  out->append(form.empty() ? "" : " ");
  paint_begin(Color::kCyan, out);
  for (const char c : form) {
    if (c == 'N') {
      uint64_t flag = 0;
      if (!value_of(event, find_arg(event, 1), &flag)) return false;
      put_name(namespace_name(static_cast<uint32_t>(flag)), flag, out);
    } else if (c == 'A' || (c >= '0' && c <= '9')) {
      const ArgSpec* const arg = c == 'A' ? first_arg(event) : find_arg(event, static_cast<uint32_t>(c - '0'));
      if (arg == nullptr) return false;
      put_plain_arg(event.hook, arg->field, arg_form(arg->type), out);
    } else {
      out->append(c);
    }
  }
  paint_end(out);
  return true;
}

// False: nothing is written; the event is to be shown like any other.
bool CompactWriter::put_known(const HookEvent& event, std::string_view function, Buffer* out) {
  const KnownCall* const known = find_known(function);
  Title title;
  if (known == nullptr || !title_of(*known, event, &title)) return false;
  const size_t start = out->size();
  begin(event.hook.record->rec.time_ns, title.symbol, title.label, &event.process, out);
  if (put_detail(event, known->detail, out)) return true;
  out->truncate(start);
  return false;
}

void CompactWriter::put_list(const HookEvent& event, const std::vector<ArgSpec>& args, Buffer* out) {
  out->append('(');
  bool any = false;
  for (const ArgSpec& arg : args) {
    if (arg.type == "nop") continue;
    if (std::exchange(any, true)) out->append(", ");
    if (!arg.label.empty()) {
      put_printable(arg.label, out);
      out->append('=');
    }
    put_plain_arg(event.hook, arg.field, arg_form(arg.type), out);
  }
  out->append(')');
}

void CompactWriter::put_call(const HookEvent& event, std::string_view name, Buffer* out) {
  out->append(' ');
  paint_begin(Color::kCyan, out);
  put_printable(name, out);
  put_list(event, event.selector.spec->args, out);
  paint_end(out);
}

void CompactWriter::put_return(const HookEvent& event, Buffer* out) {
  const policy::HookSpec& spec = *event.selector.spec;
  if (!spec.data.empty()) {
    out->append(" data");
    put_list(event, spec.data, out);
  }
  if ((event.hook.record->flags & TRIGON_HOOK_RETURN) == 0 || spec.returns.empty()) return;
  out->append(" = ");
  paint_begin(Color::kCyan, out);
  put_plain_arg(event.hook, spec.returns[0].field, arg_form(spec.returns[0].type), out);
  paint_end(out);
}

void CompactWriter::put_verdict(const HookEvent& event, Buffer* out) {
  const policy::SelectorInfo& info = event.selector.info;
  const trigon_hook_event& record = *event.hook.record;
  const uint32_t actions = info.actions | info.return_actions;
  const bool monitored = was_monitored(event);
  if (actions & (TRIGON_ACT_SIGNAL | TRIGON_ACT_ENFORCER)) {
    const unsigned signal = info.signal != 0 ? info.signal : info.return_signal;
    const std::string_view name = signal != 0 ? signal_name(signal) : "signal";
    if (record.flags & TRIGON_HOOK_SIGNALLED) {
      out->append(' ');
      paint(Color::kRed, name, out);
    } else if (record.signal_error != 0) {
      out->append(' ');
      out->append(name);
      out->append(" failed with ");
      put_name(errno_name(static_cast<unsigned>(-record.signal_error)), static_cast<uint64_t>(-record.signal_error),
               out);
    } else if (monitored && (actions & TRIGON_ACT_SIGNAL) != 0) {
      out->append(" would send ");
      out->append(name);
    }
  }
  if (actions & (TRIGON_ACT_OVERRIDE | TRIGON_ACT_ENFORCER)) {
    const bool overridden = (record.flags & TRIGON_HOOK_OVERRIDDEN) != 0;
    const int error = -(overridden ? record.error : info.error);
    if (overridden) {
      out->append(' ');
      paint_begin(Color::kRed, out);
      put_name(errno_name(static_cast<unsigned>(error)), static_cast<uint64_t>(error), out);
      paint_end(out);
    } else if (monitored && (actions & TRIGON_ACT_OVERRIDE) != 0) {
      out->append(" would fail with ");
      put_name(errno_name(static_cast<unsigned>(error)), static_cast<uint64_t>(error), out);
    }
  }
  if (record.flags & TRIGON_HOOK_ENTRY_LOST) out->append(" (entry lost)");
  out->append(" [");
  paint_begin(Color::kYellow, out);
  put_printable(event.selector.spec->policy, out);
  paint_end(out);
  out->append("]\n");
  if (const std::string_view ima = event.hook.ima(); (actions & TRIGON_ACT_IMA) != 0 && ima.size() > 1) {
    out->append("   ");
    if (const ArgSpec* arg = first_arg(event); arg != nullptr) {
      put_plain_arg(event.hook, arg->field, arg_form(arg->type), out);
      out->append(' ');
    }
    put_digest(ima, out);
    out->append('\n');
  }
  if (actions & (TRIGON_ACT_KSTACK | TRIGON_ACT_USTACK)) put_plain_stacks(event.hook, actions, options_.stacks, out);
}

void CompactWriter::hook(const HookEvent& event, Buffer* out) {
  const policy::HookSpec& spec = *event.selector.spec;
  const uint64_t time_ns = event.hook.record->rec.time_ns;
  switch (spec.kind) {
    case HookKind::kTracepoint: {
      const bool is_syscall = spec.subsystem == "raw_syscalls" && spec.event == "sys_enter";
      begin(time_ns, is_syscall ? "☎" : "⁉️", is_syscall ? "syscall" : "tracepoint", &event.process, out);
      put_call(event, spec.subsystem + "/" + spec.event, out);
      break;
    }
    case HookKind::kLsm:
      begin(time_ns, "🔒", "LSM", &event.process, out);
      put_call(event, spec.function, out);
      break;
    case HookKind::kUprobe:
    case HookKind::kUsdt: {
      const bool is_usdt = spec.kind == HookKind::kUsdt;
      begin(time_ns, "🕵️", is_usdt ? "usdt" : "uprobe", &event.process, out);
      out->append(' ');
      put_printable(spec.path, out);
      std::string name = is_usdt ? spec.subsystem + ":" + spec.event : spec.function;
      if (name.empty()) name = "+" + std::to_string(spec.offset);
      put_call(event, name, out);
      break;
    }
    case HookKind::kKprobe:
    case HookKind::kLoader: {
      const std::string_view function = plain_function(spec.function);
      if (put_known(event, function, out)) break;
      const bool is_syscall = function.substr(0, 4) == "sys_";
      begin(time_ns, "❓", is_syscall ? "syscall" : "kprobe", &event.process, out);
      put_call(event, function, out);
      break;
    }
  }
  put_return(event, out);
  put_verdict(event, out);
}

}  // namespace trigon::output
