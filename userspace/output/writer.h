// Writer: turns what happened into a line of text. Writers know bytes only; where the bytes go is a Sink's business.
// Single-threaded. The events are views: they live as long as the call.
#pragma once

#include <cstdint>
#include <string_view>

#include "event/decode.h"
#include "output/buffer.h"
#include "policy/compiled.h"
#include "process/process.h"
#include "process/tree.h"

namespace trigon::output {

enum class EventKind : uint8_t { kExec, kExit, kHook, kLoss, kLoader };

struct ExecEvent {
  const process::Process& process;
  const event::Exec& exec;
  const process::ExecData& data;  // arguments and environment, in full
};

struct ExitEvent {
  const process::Process& process;
  const trigon_exit& record;
};

// One selector that matched, of possibly several of the record. `selector` is an element of a CompiledSet: as long as
// `generation` is the same, so is the address.
struct HookEvent {
  const process::Process& process;
  const event::Hook& hook;
  const policy::SelectorRef& selector;
  // The last of the selector's GetUrl and DnsLookup actions that was taken on; null: none.
  const policy::UserActionSpec* user_action = nullptr;
};

struct LoaderEvent {
  const process::Process& process;
  const event::Loader& loader;
};

struct LossEvent {
  uint64_t time_ns;  // boot clock
  uint64_t count;
  int cpu;                  // -1: not of one cpu
  std::string_view reason;  // "ring_full", "sink_error"
};

class Writer {
 public:
  virtual ~Writer() = default;
  // Each appends one line with its line feed, or for people a few.
  virtual void exec(const ExecEvent& event, Buffer* out) = 0;
  virtual void exit(const ExitEvent& event, Buffer* out) = 0;
  virtual void hook(const HookEvent& event, Buffer* out) = 0;
  virtual void loader(const LoaderEvent& event, Buffer* out) = 0;
  virtual void loss(const LossEvent& event, Buffer* out) = 0;
  // A new set of policies is in force: addresses of the old one may be used again for something else.
  virtual void forget_policies() {}
};

}  // namespace trigon::output
