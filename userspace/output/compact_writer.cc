#include "output/compact_writer.h"

#include "output/digest_text.h"
#include "output/names.h"

namespace trigon::output {
namespace {

constexpr size_t kLabelWidth = 7;

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

void CompactWriter::loader(const LoaderEvent& event, Buffer* out) {
  const trigon_loader& record = *event.loader.record;
  begin(record.rec.time_ns, "🧬", "loader", &event.process, out);
  out->append(' ');
  paint_begin(Color::kCyan, out);
  put_printable(event.loader.path, out);
  if (record.path_flags & TRIGON_PATH_UNLINKED) out->append(" (deleted)");
  if (!event.loader.build_id.empty()) {
    out->append(' ');
    put_hex_bytes(event.loader.build_id, out);
  }
  paint_end(out);
  out->append('\n');
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
