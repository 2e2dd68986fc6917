#include "output/json_hook.h"

#include <utility>

#include "output/action.h"
#include "output/digest_text.h"
#include "output/json_object.h"
#include "output/stack_text.h"

namespace trigon::output {
namespace {

using policy::HookKind;

void put_text_member(std::string_view key, std::string_view value, Buffer* out) {
  if (value.empty()) return;
  out->append(key);
  put_string(value, out);
}

void put_wide_member(std::string_view key, uint64_t value, Buffer* out) {
  if (value == 0) return;
  out->append(key);
  put_uint(value, out);
  out->append('"');
}

std::string take(Buffer* buffer) {
  std::string text(buffer->view());
  buffer->clear();
  return text;
}

bool wants_ancestors(const JsonOptions& options, HookKind kind) {
  switch (kind) {
    case HookKind::kKprobe:
      return options.ancestors_kprobe;
    case HookKind::kTracepoint:
      return options.ancestors_tracepoint;
    case HookKind::kLsm:
      return options.ancestors_lsm;
    case HookKind::kUprobe:
      return options.ancestors_uprobe;
    case HookKind::kUsdt:
      return options.ancestors_usdt;
    case HookKind::kLoader:
      return options.ancestors_base;
  }
  return false;
}

// From the hook's name to the arguments.
void put_place(const policy::HookSpec& spec, Buffer* out) {
  switch (spec.kind) {
    case HookKind::kKprobe:
    case HookKind::kLsm:
      return put_text_member(",\"function_name\":", spec.function, out);
    case HookKind::kTracepoint:
      put_text_member(",\"subsys\":", spec.subsystem, out);
      return put_text_member(",\"event\":", spec.event, out);
    case HookKind::kUprobe:
      put_text_member(",\"path\":", spec.path, out);
      put_text_member(",\"symbol\":", spec.function, out);
      put_wide_member(",\"offset\":\"", spec.offset, out);
      return put_wide_member(",\"ref_ctr_offset\":\"", spec.ref_ctr_offset, out);
    case HookKind::kUsdt:
      put_text_member(",\"path\":", spec.path, out);
      put_text_member(",\"provider\":", spec.subsystem, out);
      return put_text_member(",\"name\":", spec.event, out);
    case HookKind::kLoader:
      return;
  }
}

// `,"ima_hash":"sha256:9f…"`
void put_ima_hash(std::string_view ima, Buffer* out) {
  if (ima.size() < 2) return;
  out->append(",\"ima_hash\":\"");
  put_digest(ima, out);
  out->append('"');
}

}  // namespace

HookJson::Shape HookJson::shape_of(HookKind kind) {
  switch (kind) {
    case HookKind::kKprobe:
      return {"{\"process_kprobe\":{\"process\":", true, true, false, true};
    case HookKind::kTracepoint:
      return {"{\"process_tracepoint\":{\"process\":", false, false, false, false};
    case HookKind::kLsm:
      return {"{\"process_lsm\":{\"process\":", false, false, false, false};
    case HookKind::kUprobe:
      return {"{\"process_uprobe\":{\"process\":", true, false, true, false};
    case HookKind::kUsdt:
      return {"{\"process_usdt\":{\"process\":", false, false, false, false};
    case HookKind::kLoader:
      return {"{\"process_loader\":{\"process\":", false, false, false, false};
  }
  return {};
}

bool HookJson::put_list(std::string_view key, const event::Hook& hook, const std::vector<ArgText>& args,
                        Buffer* out) const {
  if (args.empty()) return true;
  bool readable = true;
  out->append(key);
  char separator = '[';
  for (const ArgText& arg : args) {
    out->append(std::exchange(separator, ','));
    readable &= put_json_arg(hook, arg, options_->host_ns.user, out);
  }
  out->append(']');
  return readable;
}

void HookJson::put(const HookEvent& event, Buffer* out) {
  const SelectorText& text = text_of(event.selector);
  const event::Hook& hook = event.hook;
  const trigon_hook_event& record = *hook.record;
  const Shape& shape = text.shape;
  const bool joined = (record.flags & TRIGON_HOOK_RETURN) != 0;
  out->append(shape.open);
  process_->put(event.process, record.rec.tid, out);
  process_->put_parent(event.process, out);
  out->append(text.head);
  bool readable = true;
  // Of a uprobe the value that it returns is the last of its arguments.
  if (joined && shape.returns_arg && !text.returns.empty()) {
    out->append(",\"args\":[");
    for (const ArgText& arg : text.args) {
      readable &= put_json_arg(hook, arg, options_->host_ns.user, out);
      out->append(',');
    }
    readable &= put_json_arg(hook, text.returns.front(), options_->host_ns.user, out);
    out->append(']');
  } else {
    readable = put_list(",\"args\":", hook, text.args, out);
  }
  if (joined && shape.returns && !text.returns.empty()) {
    out->append(",\"return\":");
    readable &= put_json_arg(hook, text.returns.front(), options_->host_ns.user, out);
  }
  if (shape.data) readable &= put_list(",\"data\":", hook, text.data, out);
  out->append(",\"action\":\"");
  out->append(joined && !shape.returns ? only_action_name(event) : action_name(event));
  if (joined && shape.returns) {
    out->append("\",\"return_action\":\"");
    out->append(return_action_name(event));
  }
  out->append(text.close);
  if (text.stacks != 0 && shape.stacks) {
    JsonObject rest = JsonObject::resume(out);
    put_json_stacks(hook, text.stacks, options_->stacks, &rest);
  }
  if (text.ima) put_ima_hash(hook.ima(), out);
  if (text.ancestors) process_->put_ancestors(event.process, out);
  constexpr uint32_t kNoted = TRIGON_HOOK_MONITORED | TRIGON_HOOK_ENTRY_LOST | TRIGON_HOOK_OTHER_POLICY |
                              TRIGON_HOOK_TRACKED | TRIGON_HOOK_OVERRIDDEN;
  if (options_->extensions && (!readable || text.extension || (record.flags & kNoted) != 0 || record.signal_error != 0))
      [[unlikely]] {
    put_extension(event, text, readable, out);
  }
  out->append("},");
}

// What the published schema has no member for; see docs/reference/events.md.
void HookJson::put_extension(const HookEvent& event, const SelectorText& text, bool readable, Buffer* out) const {
  const event::Hook& hook = event.hook;
  const trigon_hook_event& record = *hook.record;
  const Shape& shape = text.shape;
  const bool joined = (record.flags & TRIGON_HOOK_RETURN) != 0;
  const bool data = !shape.data && !text.data.empty();
  const bool returns = joined && !shape.returns && !shape.returns_arg && !text.returns.empty();
  const bool stacks = !shape.stacks && text.stacks != 0;
  const size_t start = out->size();
  out->append(",\"trigon\":");
  JsonObject object(out);
  if (data) {
    object.member("\"data\":");
    char separator = '[';
    for (const ArgText& arg : text.data) {
      out->append(std::exchange(separator, ','));
      readable &= put_json_arg(hook, arg, options_->host_ns.user, out);
    }
    out->append(']');
  }
  if (returns) {
    readable &= put_json_arg(hook, text.returns.front(), options_->host_ns.user, object.member("\"return\":"));
  }
  const auto flag = [&](bool is_set, std::string_view key) {
    if (is_set) object.member(key)->append("true");
  };
  flag(!readable, "\"unreadable\":");
  flag(was_monitored(event), "\"monitored\":");
  flag((record.flags & TRIGON_HOOK_ENTRY_LOST) != 0, "\"entry_lost\":");
  flag((record.flags & TRIGON_HOOK_OTHER_POLICY) != 0, "\"policies_changed\":");
  flag((record.flags & TRIGON_HOOK_TRACKED) != 0, "\"tracked\":");
  if ((record.flags & TRIGON_HOOK_OVERRIDDEN) != 0) put_int(record.error, object.member("\"error\":"));
  if (record.signal_error != 0) put_int(record.signal_error, object.member("\"signal_error\":"));
  if (stacks) put_json_stacks(hook, text.stacks, options_->stacks, &object);
  if (object.empty()) {
    out->truncate(start);
  } else {
    object.close();
  }
}

void HookJson::forget() {
  selectors_.clear();
  last_ = nullptr;
  last_text_ = nullptr;
}

const HookJson::SelectorText& HookJson::text_of(const policy::SelectorRef& selector) {
  if (&selector == last_) [[likely]] {
    return *last_text_;
  }
  std::unique_ptr<SelectorText>& text = selectors_[&selector];
  if (text == nullptr) text = make_text(selector);
  last_ = &selector;
  last_text_ = text.get();
  return *text;
}

std::unique_ptr<HookJson::SelectorText> HookJson::make_text(const policy::SelectorRef& selector) const {
  auto text = std::make_unique<SelectorText>();
  const policy::HookSpec& spec = *selector.spec;
  const uint32_t actions = selector.info.actions | selector.info.return_actions;
  Buffer buffer;
  const Shape shape = text->shape = shape_of(spec.kind);
  put_place(spec, &buffer);
  text->head = take(&buffer);
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
  text->args = arg_texts(spec.args);
  text->data = arg_texts(spec.data);
  text->returns = arg_texts(spec.returns);
  text->stacks = actions & (TRIGON_ACT_KSTACK | TRIGON_ACT_USTACK);
  text->ima = (actions & TRIGON_ACT_IMA) != 0 && spec.kind == HookKind::kLsm;
  text->extension = (!shape.data && !text->data.empty()) || (!shape.stacks && text->stacks != 0) ||
                    (!shape.returns && !shape.returns_arg && !text->returns.empty());
  text->ancestors = wants_ancestors(*options_, spec.kind);
  return text;
}

}  // namespace trigon::output
