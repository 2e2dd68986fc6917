// CompactWriter: one line per event for people.
#pragma once

#include <string>

#include "output/buffer.h"
#include "output/writer.h"
#include "sys/clock.h"

namespace trigon::output {

struct CompactOptions {
  std::string node_name;
  bool color = false;       // the caller knows whether this is a terminal, and NO_COLOR
  bool timestamps = false;  // UTC, nine fractional digits
};

class CompactWriter : public Writer {
 public:
  // The clock must outlive the writer.
  CompactWriter(CompactOptions options, const sys::BootClock* clock) : options_(std::move(options)), clock_(clock) {}

  void exec(const ExecEvent& event, Buffer* out) override;
  void exit(const ExitEvent& event, Buffer* out) override;
  void hook(const HookEvent& event, Buffer* out) override;
  void loss(const LossEvent& event, Buffer* out) override;

 private:
  enum class Color { kNone, kBlue, kGreen, kMagenta, kCyan, kRed, kYellow };

  void begin(uint64_t boot_ns, std::string_view symbol, std::string_view label, const process::Process& process,
             Buffer* out);
  void paint(Color color, std::string_view text, Buffer* out);
  void paint_begin(Color color, Buffer* out);
  void paint_end(Buffer* out);
  void put_policy(const policy::HookSpec& spec, Buffer* out);

  CompactOptions options_;
  const sys::BootClock* clock_;
};

}  // namespace trigon::output
