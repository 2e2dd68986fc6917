// Any bytes as a ring record, through decode and through the whole pipeline: no read outside, no leak, no crash, and
// every line that comes out ends in a line feed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "output/compact_writer.h"
#include "output/file_sink.h"
#include "output/json_writer.h"
#include "output/pipeline.h"

namespace {

using trigon::policy::ArgSpec;
using trigon::policy::HookKind;
using trigon::policy::HookSpec;

// One hook of each kind, in slots 0 to 5; every field is asked for under a type that may be wrong for it.
std::shared_ptr<const trigon::policy::CompiledSet> one_set(uint32_t generation) {
  static constexpr const char* kTypes[] = {"auto",       "string",         "char_buf", "file",       "sock",
                                           "skb",        "cred",           "module",   "bpf_map",    "bpf_attr",
                                           "perf_event", "sockaddr",       "bpf_cmd",  "capability", "kernel_cap_t",
                                           "syscall64",  "user_namespace", "int"};
  auto set = std::make_shared<trigon::policy::CompiledSet>();
  set->generation = generation;
  size_t next = 0;
  const auto some = [&](uint8_t count) {
    std::vector<ArgSpec> args;
    for (uint8_t i = 0; i < count; ++i) args.push_back({i, kTypes[next++ % std::size(kTypes)], "label", i});
    return args;
  };
  for (const HookKind kind : {HookKind::kKprobe, HookKind::kTracepoint, HookKind::kLsm, HookKind::kUprobe,
                              HookKind::kUsdt, HookKind::kLoader}) {
    auto spec = std::make_shared<HookSpec>();
    spec->policy = "p";
    spec->kind = kind;
    spec->function = kind == HookKind::kKprobe ? "security_file_permission" : "f";
    spec->path = "/bin/x";
    spec->args = some(TRIGON_MAX_FIELDS + 1);
    spec->data = some(3);
    spec->returns = some(1);
    trigon::policy::SelectorInfo info;
    info.actions = info.return_actions = ~0u;
    info.user = {{true, "canary"}};
    set->hooks[static_cast<uint16_t>(kind)].push_back({spec, info});
  }
  return set;
}

class Resolver : public trigon::output::StackResolver {
 public:
  trigon::output::StackFrame kernel(uint64_t address) override { return {"symbol", {}, address}; }
  trigon::output::StackFrame user(uint32_t, uint64_t, uint64_t address) override { return {"", "module", address}; }
};

}  // namespace

// Input: records one after the other, each with its size in front (two bytes, little endian).
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trigon::output;
  const trigon::sys::BootClock clock(0);
  auto ends_in_line_feed = [](int, const void* text, size_t n) -> ssize_t {
    if (n == 0 || static_cast<const char*>(text)[n - 1] != '\n') std::abort();
    return static_cast<ssize_t>(n);
  };
  auto json_sink = FileSink::adopt(trigon::Fd(::dup(2)), {}, ends_in_line_feed);
  auto text_sink = FileSink::adopt(trigon::Fd(::dup(2)), {}, ends_in_line_feed);
  PipelineOptions options;
  options.tree.max_entries = 64;
  Pipeline pipeline(options, one_set);
  JsonOptions json;
  Resolver resolver;
  json.stacks = {&resolver, true};
  json.process_cred = json.process_ns = json.environment = json.ancestors_base = true;
  CompactOptions compact;
  compact.stacks = json.stacks;
  pipeline.add_output(std::make_unique<JsonWriter>(json, &clock), json_sink.get());
  pipeline.add_output(std::make_unique<CompactWriter>(compact, &clock), text_sink.get());
  pipeline.set_user_action_listener([](const HookEvent&, const trigon::policy::UserActionSpec&) { return true; });
  while (size >= 2) {
    const size_t length = std::min<size_t>(data[0] | data[1] << 8, size - 2);
    std::vector<uint64_t> record((length + 7) / 8);
    if (length != 0) std::memcpy(record.data(), data + 2, length);
    pipeline.feed(record.data(), length);
    data += 2 + length;
    size -= 2 + length;
  }
  pipeline.end_batch();
  return 0;
}
