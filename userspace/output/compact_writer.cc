#include "output/compact_writer.h"

#include <algorithm>

#include "output/hook_args.h"
#include "output/names.h"

namespace trigon::output {
namespace {

constexpr size_t kLabelWidth = 7;

// System calls that have a symbol and a layout of their own. Digits in `detail` are arguments as the policy lists them;
// everything else is text. An event that lacks one of them is shown like any other call.
struct KnownCall {
  std::string_view function;
  std::string_view symbol;
  std::string_view label;
  std::string_view detail;
};

constexpr KnownCall kKnownCalls[] = {
    {"sys_write", "📝", "write", "0 2 bytes"}, {"sys_read", "📚", "read", "0 2 bytes"},
    {"fd_install", "📬", "open", "1"},         {"sys_openat", "📬", "openat", "1"},
    {"sys_open", "📬", "open", "0"},           {"sys_close", "📪", "close", "0"},
    {"sys_mount", "💾", "mount", "0 1"},       {"sys_pivot_root", "💾", "pivot_root", "0 1"},
    {"sys_setuid", "🔑", "setuid", "0"},       {"sys_clock_settime", "⏰", "clock_settime", ""},
    {"sys_connect", "🔌", "connect", "1"},
};

// "__x64_sys_openat" is "sys_openat" to a reader.
std::string_view plain_function(std::string_view function) {
  for (const std::string_view prefix : {"__x64_", "__arm64_", "__ia32_"}) {
    if (function.substr(0, prefix.size()) == prefix) return function.substr(prefix.size());
  }
  return function;
}

const KnownCall* find_known(std::string_view function) {
  const auto* const found = std::find_if(std::begin(kKnownCalls), std::end(kKnownCalls),
                                         [&](const KnownCall& call) { return call.function == function; });
  return found == std::end(kKnownCalls) ? nullptr : found;
}

}  // namespace

void CompactWriter::paint_begin(Color color, Buffer* out) {
  if (!options_.color) return;
  switch (color) {
    case Color::kBlue:
      return out->append("\x1b[34m");
    case Color::kGreen:
      return out->append("\x1b[32m");
    case Color::kMagenta:
      return out->append("\x1b[35m");
    case Color::kCyan:
      return out->append("\x1b[36m");
    case Color::kRed:
      return out->append("\x1b[31m");
    case Color::kYellow:
      return out->append("\x1b[33m");
  }
}

void CompactWriter::paint_end(Buffer* out) {
  if (options_.color) out->append("\x1b[0m");
}

void CompactWriter::paint(Color color, std::string_view text, Buffer* out) {
  paint_begin(color, out);
  out->append(text);
  paint_end(out);
}

void CompactWriter::put_binary(const process::Process& process, Buffer* out) {
  if (const std::string_view binary = process.image->binary(); !binary.empty()) {
    put_printable(binary, out);
  } else {
    out->append("<unknown>[");
    put_uint(process.pid, out);
    out->append(']');
  }
}

void CompactWriter::begin(uint64_t boot_ns, std::string_view symbol, std::string_view label,
                          const process::Process* process, Buffer* out) {
  if (options_.timestamps) {
    time_.put_fixed(clock_->wall_ns(boot_ns), out);
    out->append(' ');
  }
  out->append(symbol);
  out->append(' ');
  paint_begin(Color::kBlue, out);
  out->append(label);
  for (size_t i = label.size(); i < kLabelWidth; ++i) out->append(' ');
  paint_end(out);
  out->append(' ');
  paint_begin(Color::kGreen, out);
  put_printable(options_.node_name, out);
  paint_end(out);
  if (process == nullptr) return;
  out->append(' ');
  paint_begin(Color::kMagenta, out);
  put_binary(*process, out);
  paint_end(out);
}

// Each argument on its own: quotes tell where one ends.
void CompactWriter::put_arguments(std::string_view args, bool cut, Buffer* out) {
  bool is_first = true;
  bool any = false;
  for_each_string(args, [&](std::string_view arg) {
    if (std::exchange(is_first, false)) return;
    out->append(' ');
    if (!std::exchange(any, true)) paint_begin(Color::kCyan, out);
    put_printable(arg, out);
  });
  if (any) paint_end(out);
  if (cut) out->append(" ...");
}

void CompactWriter::exec(const ExecEvent& event, Buffer* out) {
  begin(event.exec.record->rec.time_ns, "🚀", "process", &event.process, out);
  if (const std::string_view script = event.process.image->script(); !script.empty()) {
    out->append(" <");
    put_printable(script, out);
    out->append('>');
  }
  put_arguments(event.data.args, event.data.args.size() < event.process.image->args_size, out);
  if (options_.parents && event.process.parent) {
    out->append(" ← ");
    put_binary(*event.process.parent, out);
    if (event.process.parent->image->binary_len != 0) {
      out->append('[');
      put_uint(event.process.parent->pid, out);
      out->append(']');
    }
  }
  out->append('\n');
}

void CompactWriter::exit(const ExitEvent& event, Buffer* out) {
  begin(event.record.rec.time_ns, "💥", "exit", &event.process, out);
  put_arguments(event.process.image->args(), event.process.image->args_cut(), out);
  const unsigned signal = event.record.code & 0x7f;
  const unsigned status = event.record.code >> 8 & 0xff;
  out->append(' ');
  const bool failed = signal != 0 || status != 0;
  if (failed) paint_begin(Color::kRed, out);
  const std::string_view name = signal != 0 ? signal_name(signal) : std::string_view();
  if (!name.empty()) {
    out->append(name);
  } else {
    put_uint(signal != 0 ? signal : status, out);
  }
  if (failed) paint_end(out);
  out->append('\n');
}

bool CompactWriter::put_known_detail(const HookEvent& event, std::string_view form, Buffer* out) {
  const auto& args = event.selector.spec->args;
  const size_t start = out->size();
  out->append(form.empty() ? "" : " ");
  paint_begin(Color::kCyan, out);
  for (const char c : form) {
    if (c < '0' || c > '9') {
      out->append(c);
      continue;
    }
    // The digit is the argument's number, wherever the policy lists it.
    const auto number = static_cast<uint32_t>(c - '0');
    const auto arg =
        std::find_if(args.begin(), args.end(), [&](const policy::ArgSpec& a) { return a.index == number; });
    if (arg == args.end()) {
      out->truncate(start);
      return false;
    }
    put_plain_argument(event.hook, arg->field, arg_form(arg->type), out);
  }
  paint_end(out);
  return true;
}

void CompactWriter::put_call(const HookEvent& event, std::string_view name, Buffer* out) {
  out->append(' ');
  paint_begin(Color::kCyan, out);
  out->append(name);
  out->append('(');
  bool any = false;
  for (const policy::ArgSpec& arg : event.selector.spec->args) {
    if (arg.type == "nop") continue;
    if (std::exchange(any, true)) out->append(", ");
    if (!arg.label.empty()) {
      put_printable(arg.label, out);
      out->append('=');
    }
    put_plain_argument(event.hook, arg.field, arg_form(arg.type), out);
  }
  out->append(')');
  paint_end(out);
}

void CompactWriter::put_verdict(const policy::SelectorRef& selector, Buffer* out) {
  const policy::SelectorInfo& info = selector.info;
  if ((info.actions & TRIGON_ACT_SIGNAL) != 0) {
    out->append(' ');
    if (info.actions & TRIGON_ACT_MONITOR) {
      out->append("would send ");
      out->append(signal_name(info.signal));
    } else {
      paint(Color::kRed, signal_name(info.signal), out);
    }
  }
  out->append(" [");
  paint_begin(Color::kYellow, out);
  put_printable(selector.spec->policy, out);
  paint_end(out);
  out->append("]\n");
}

void CompactWriter::hook(const HookEvent& event, Buffer* out) {
  const policy::HookSpec& spec = *event.selector.spec;
  const uint64_t time_ns = event.hook.record->rec.time_ns;
  if (spec.kind == policy::HookKind::kTracepoint) {
    const bool is_syscall = spec.subsystem == "raw_syscalls" && spec.event == "sys_enter";
    begin(time_ns, is_syscall ? "☎" : "⁉️", is_syscall ? "syscall" : "tracepoint", &event.process, out);
    put_call(event, spec.subsystem + "/" + spec.event, out);
    put_verdict(event.selector, out);
    return;
  }
  const std::string_view function = plain_function(spec.function);
  const size_t start = out->size();
  if (const KnownCall* known = find_known(function); known != nullptr) {
    begin(time_ns, known->symbol, known->label, &event.process, out);
    if (put_known_detail(event, known->detail, out)) {
      put_verdict(event.selector, out);
      return;
    }
    out->truncate(start);
  }
  begin(time_ns, "❓", "syscall", &event.process, out);
  put_call(event, function, out);
  put_verdict(event.selector, out);
}

void CompactWriter::loss(const LossEvent& event, Buffer* out) {
  begin(event.time_ns, "⚠️", "lost", nullptr, out);
  out->append(' ');
  paint_begin(Color::kRed, out);
  put_uint(event.count, out);
  out->append(event.count == 1 ? " event" : " events");
  paint_end(out);
  if (event.cpu >= 0) {
    out->append(" on cpu ");
    put_int(event.cpu, out);
  }
  out->append(" (");
  out->append(event.reason);
  out->append(")\n");
}

}  // namespace trigon::output
