#include "output/json_writer.h"

#include <utility>

#include "output/json_hook.h"
#include "output/json_process.h"
#include "output/json_structures.h"
#include "output/names.h"

namespace trigon::output {
namespace {

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

JsonWriter::JsonWriter(JsonOptions options, const sys::BootClock* clock)
    : options_(std::move(options)),
      clock_(clock),
      process_(std::make_unique<ProcessJson>(&options_, clock)),
      hook_(std::make_unique<HookJson>(&options_, process_.get())) {
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

void JsonWriter::exec(const ExecEvent& event, Buffer* out) {
  out->append("{\"process_exec\":{\"process\":");
  process_->put_exec(event, out);
  process_->put_parent(event.process, out);
  if (options_.ancestors_base) process_->put_ancestors(event.process, out);
  out->append("},");
  put_tail(event.exec.record->rec.time_ns, out);
}

void JsonWriter::exit(const ExitEvent& event, Buffer* out) {
  const trigon_exit& record = event.record;
  const unsigned signal = record.code & 0x7f;
  const unsigned status = record.code >> 8 & 0xff;
  out->append("{\"process_exit\":{\"process\":");
  process_->put(event.process, record.rec.tid, out);
  process_->put_parent(event.process, out);
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
  if (options_.ancestors_base) process_->put_ancestors(event.process, out);
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
  hook_->put(event, out);
  put_tail(event.hook.record->rec.time_ns, out);
}

void JsonWriter::loader(const LoaderEvent& event, Buffer* out) {
  const trigon_loader& record = *event.loader.record;
  out->append("{\"process_loader\":{\"process\":");
  process_->put(event.process, record.rec.tid, out);
  if (!event.loader.path.empty()) {
    out->append(",\"path\":\"");
    put_escaped(event.loader.path, out);
    out->append((record.path_flags & TRIGON_PATH_UNLINKED) != 0 ? " (deleted)\"" : "\"");
  }
  if (!event.loader.build_id.empty()) {
    out->append(",\"buildid\":\"");
    put_base64(event.loader.build_id, out);
    out->append('"');
  }
  process_->put_parent(event.process, out);
  if (options_.ancestors_base) process_->put_ancestors(event.process, out);
  if (options_.extensions && record.file.inode != 0) {
    out->append(",\"trigon\":{\"file\":");
    put_json_file(record.file, out);
    out->append('}');
  }
  out->append("},");
  put_tail(record.rec.time_ns, out);
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

void JsonWriter::forget_policies() { hook_->forget(); }

}  // namespace trigon::output
