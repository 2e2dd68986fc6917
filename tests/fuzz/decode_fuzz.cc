// Any bytes as a ring record, through decode and through the whole pipeline: no read outside, no leak, no crash, and
// every line that comes out ends in a line feed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "output/compact_writer.h"
#include "output/file_sink.h"
#include "output/json_writer.h"
#include "output/pipeline.h"

namespace {

std::shared_ptr<const trigon::policy::CompiledSet> one_set(uint32_t generation) {
  auto spec = std::make_shared<trigon::policy::HookSpec>();
  spec->policy = "p";
  spec->function = "sys_openat";
  for (uint8_t i = 0; i < TRIGON_MAX_FIELDS; ++i) spec->args.push_back({i, i % 2 ? "string" : "", ""});
  auto set = std::make_shared<trigon::policy::CompiledSet>();
  set->generation = generation;
  set->hooks.push_back({{spec, {TRIGON_ACT_POST, 0, false}}});
  return set;
}

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
  json.process_cred = json.process_ns = json.environment = json.ancestors_base = true;
  pipeline.add_output(std::make_unique<JsonWriter>(json, &clock), json_sink.get());
  pipeline.add_output(std::make_unique<CompactWriter>(CompactOptions{}, &clock), text_sink.get());
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
