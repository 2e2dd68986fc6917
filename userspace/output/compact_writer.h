// CompactWriter: one line per event for people; stack traces and file hashes are indented under it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "output/buffer.h"
#include "output/stack_text.h"
#include "output/text.h"
#include "output/writer.h"
#include "sys/clock.h"

namespace trigon::output {

struct CompactOptions {
  std::string node_name;
  bool color = false;       // the caller knows whether this is a terminal, and NO_COLOR
  bool timestamps = false;  // UTC, nine fractional digits
  bool parents = false;     // who started it, behind exec lines: "← /usr/bin/bash[812]"
  StackOptions stacks;
};

class CompactWriter : public Writer {
 public:
  // The clock must outlive the writer.
  CompactWriter(CompactOptions options, const sys::BootClock* clock) : options_(std::move(options)), clock_(clock) {}

  void exec(const ExecEvent& event, Buffer* out) override;
  void exit(const ExitEvent& event, Buffer* out) override;
  void hook(const HookEvent& event, Buffer* out) override;
  void loader(const LoaderEvent& event, Buffer* out) override;
  void loss(const LossEvent& event, Buffer* out) override;

 private:
  enum class Color { kBlue, kGreen, kMagenta, kCyan, kRed, kYellow };

  void begin(uint64_t boot_ns, std::string_view symbol, std::string_view label, const process::Process* process,
             Buffer* out);
  void paint(Color color, std::string_view text, Buffer* out);
  void paint_begin(Color color, Buffer* out);
  void paint_end(Buffer* out);
  void put_arguments(std::string_view args, bool cut, Buffer* out);
  void put_binary(const process::Process& process, Buffer* out);
  // compact_hook.cc
  bool put_known(const HookEvent& event, std::string_view function, Buffer* out);
  bool put_detail(const HookEvent& event, std::string_view form, Buffer* out);
  void put_call(const HookEvent& event, std::string_view name, Buffer* out);
  void put_list(const HookEvent& event, const std::vector<policy::ArgSpec>& args, Buffer* out);
  void put_return(const HookEvent& event, Buffer* out);
  void put_verdict(const HookEvent& event, Buffer* out);

  CompactOptions options_;
  const sys::BootClock* clock_;
  TimeText time_;
};

}  // namespace trigon::output
