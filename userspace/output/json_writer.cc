#include "output/json_writer.h"

#include <utility>

#include "output/hook_args.h"
#include "output/json_process.h"
#include "output/names.h"

namespace trigon::output {
namespace {

std::string_view action_name(const policy::SelectorInfo& info) {
  // In monitor mode no signal is sent, whatever the policy says.
  if ((info.actions & TRIGON_ACT_SIGNAL) == 0 || (info.actions & TRIGON_ACT_MONITOR) != 0) {
    return "KPROBE_ACTION_POST";
  }
  return info.is_sigkill ? "KPROBE_ACTION_SIGKILL" : "KPROBE_ACTION_SIGNAL";
}

void put_text_member(std::string_view key, std::string_view value, Buffer* out) {
  if (value.empty()) return;
  out->append(key);
  put_string(value, out);
}

std::string take(Buffer* buffer) {
  std::string text(buffer->view());
  buffer->clear();
  return text;
}

}  // namespace

// What is the same in all events of a selector.
struct JsonWriter::SelectorText {
  std::string open;   // `{"process_kprobe":{"process":`
  std::string head;   // from the function's name to the arguments
  std::string close;  // from the action on
  std::vector<ArgText> args;
  bool ancestors = false;
};

JsonWriter::JsonWriter(JsonOptions options, const sys::BootClock* clock)
    : options_(std::move(options)), clock_(clock), process_(std::make_unique<ProcessJson>(&options_, clock)) {
  Buffer tail;
  tail.append("\"node_name\":");
  put_string(options_.node_name, &tail);
  put_text_member(",\"cluster_name\":", options_.cluster_name, &tail);
  tail.append(",\"time\":\"");
  tail_ = take(&tail);
}

JsonWriter::~JsonWriter() = default;

void JsonWriter::put_tail(uint64_t boot_ns, Buffer* out) {
  out->append(tail_);
  time_.put(clock_->wall_ns(boot_ns), out);
  out->append("\"}\n");
}

void JsonWriter::put_parent(const process::Process& process, Buffer* out) {
  if (!process.parent) return;
  out->append(",\"parent\":");
  process_->put(*process.parent, process.parent->pid, out);
}

void JsonWriter::put_ancestors(const process::Process& process, Buffer* out) {
  if (!process.parent) return;
  const auto ancestors = process::ProcessTree::ancestors(*process.parent);
  if (ancestors.empty()) return;
  out->append(",\"ancestors\":");
  char separator = '[';
  for (const process::Process* ancestor : ancestors) {
    out->append(separator);
    separator = ',';
    process_->put(*ancestor, ancestor->pid, out);
  }
  out->append(']');
}

void JsonWriter::exec(const ExecEvent& event, Buffer* out) {
  out->append("{\"process_exec\":{\"process\":");
  process_->put_exec(event, out);
  put_parent(event.process, out);
  if (options_.ancestors_base) put_ancestors(event.process, out);
  out->append("},");
  put_tail(event.exec.record->rec.time_ns, out);
}

void JsonWriter::exit(const ExitEvent& event, Buffer* out) {
  const trigon_exit& record = event.record;
  const unsigned signal = record.code & 0x7f;
  const unsigned status = record.code >> 8 & 0xff;
  out->append("{\"process_exit\":{\"process\":");
  process_->put(event.process, record.rec.tid, out);
  put_parent(event.process, out);
  if (signal != 0) {
    out->append(",\"signal\":\"");
    if (const std::string_view name = signal_name(signal); !name.empty()) {
      out->append(name);
    } else {
      put_uint(signal, out);
    }
    out->append('"');
  } else if (status != 0) {
    out->append(",\"status\":");
    put_uint(status, out);
  }
  out->append(",\"time\":\"");
  time_.put(clock_->wall_ns(record.rec.time_ns), out);
  out->append('"');
  if (options_.ancestors_base) put_ancestors(event.process, out);
  if (options_.extensions) {
    out->append(",\"trigon\":{\"exit_tid\":");
    put_uint(record.rec.tid, out);
    out->append(",\"run_time_ns\":\"");
    put_uint(record.run_ns, out);
    out->append((record.code & 0x80) != 0 ? "\",\"core_dumped\":true}" : "\"}");
  }
  out->append("},");
  put_tail(record.rec.time_ns, out);
}

void JsonWriter::hook(const HookEvent& event, Buffer* out) {
  const SelectorText& text = selector_text(event.selector);
  out->append(text.open);
  process_->put(event.process, event.hook.record->rec.tid, out);
  put_parent(event.process, out);
  out->append(text.head);
  if (!text.args.empty()) {
    std::string_view separator = ",\"args\":[";
    for (const ArgText& arg : text.args) {
      out->append(std::exchange(separator, ","));
      put_json_argument(event.hook, arg, out);
    }
    out->append(']');
  }
  out->append(text.close);
  if (text.ancestors) put_ancestors(event.process, out);
  out->append("},");
  put_tail(event.hook.record->rec.time_ns, out);
}

void JsonWriter::loss(const LossEvent& event, Buffer* out) {
  out->append("{\"lost_events\":{\"count\":\"");
  put_uint(event.count, out);
  out->append('"');
  if (event.cpu >= 0) {
    out->append(",\"cpu\":");
    put_int(event.cpu, out);
  }
  out->append(",\"reason\":");
  put_string(event.reason, out);
  out->append("},");
  put_tail(event.time_ns, out);
}

void JsonWriter::forget_policies() {
  selectors_.clear();
  last_ = nullptr;
  last_text_ = nullptr;
}

const JsonWriter::SelectorText& JsonWriter::selector_text(const policy::SelectorRef& selector) {
  if (&selector == last_) [[likely]] {
    return *last_text_;
  }
  std::unique_ptr<SelectorText>& text = selectors_[&selector];
  if (text == nullptr) {
    text = std::make_unique<SelectorText>();
    const policy::HookSpec& spec = *selector.spec;
    const bool is_kprobe = spec.kind == policy::HookKind::kKprobe;
    Buffer buffer;
    buffer.append(is_kprobe ? "{\"process_kprobe\":{\"process\":" : "{\"process_tracepoint\":{\"process\":");
    text->open = take(&buffer);
    if (is_kprobe) {
      put_text_member(",\"function_name\":", spec.function, &buffer);
    } else {
      put_text_member(",\"subsys\":", spec.subsystem, &buffer);
      put_text_member(",\"event\":", spec.event, &buffer);
    }
    text->head = take(&buffer);
    buffer.append(",\"action\":\"");
    buffer.append(action_name(selector.info));
    buffer.append('"');
    put_text_member(",\"policy_name\":", spec.policy, &buffer);
    put_text_member(",\"message\":", spec.message, &buffer);
    if (!spec.tags.empty()) {
      buffer.append(",\"tags\":");
      char separator = '[';
      for (const std::string& tag : spec.tags) {
        buffer.append(std::exchange(separator, ','));
        put_string(tag, &buffer);
      }
      buffer.append(']');
    }
    text->close = take(&buffer);
    for (const policy::ArgSpec& arg : spec.args) {
      if (arg.type == "nop") continue;
      if (!arg.label.empty()) {
        buffer.append(",\"label\":");
        put_string(arg.label, &buffer);
      }
      buffer.append('}');
      text->args.push_back({arg.field, arg_form(arg.type), take(&buffer)});
    }
    text->ancestors = is_kprobe ? options_.ancestors_kprobe : options_.ancestors_tracepoint;
  }
  last_ = &selector;
  last_text_ = text.get();
  return *text;
}

}  // namespace trigon::output
