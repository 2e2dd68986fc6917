// A pipeline into memory.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "output/compact_writer.h"
#include "output/json_writer.h"
#include "output/pipeline.h"
#include "tests/unit/event/record_builder.h"

namespace trigon::test {

class MemorySink : public output::Sink {
 public:
  output::Buffer& buffer() override { return buffer_; }
  void commit() override { ++counters_.events; }
  void flush() override {}
  output::SinkCounters counters() const override { return counters_; }
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    std::string_view text = buffer_.view();
    while (!text.empty()) {
      const size_t end = text.find('\n');
      lines.emplace_back(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    return lines;
  }

 private:
  output::Buffer buffer_;
  output::SinkCounters counters_;
};

// One policy, one kprobe on sys_openat with the given arguments, matched by selector 0 (posts), 1 (kills), 2 (NoPost).
inline std::shared_ptr<policy::CompiledSet> openat_set(std::vector<policy::ArgSpec> args, uint32_t generation = 1) {
  auto spec = std::make_shared<policy::HookSpec>();
  spec->policy = "watch";
  spec->function = "sys_openat";
  spec->args = std::move(args);
  auto set = std::make_shared<policy::CompiledSet>();
  set->generation = generation;
  set->hooks.push_back({{spec, {TRIGON_ACT_POST, 0, false}},
                        {spec, {TRIGON_ACT_POST | TRIGON_ACT_SIGNAL, 9, true}},
                        {spec, {TRIGON_ACT_SIGNAL, 9, true}}});
  return set;
}

class PipelineFixture {
 public:
  explicit PipelineFixture(output::JsonOptions json = {}, output::OutputFilter filter = {},
                           output::PipelineOptions options = {}, process::ContextSource* source = nullptr)
      : pipeline(
            options,
            [this](uint32_t generation) { return set != nullptr && set->generation == generation ? set : nullptr; },
            source) {
    if (json.node_name.empty()) json.node_name = "node-a";
    pipeline.add_output(std::make_unique<output::JsonWriter>(json, &clock), &sink, std::move(filter));
    feed_snapshot({.pid = 1,
                   .start_ns = 10,
                   .time_ns = 50,
                   .parent_pid = 0,
                   .parent_start_ns = 0,
                   .exe = "/sbin/init",
                   .args = {"init"}});
  }
  void feed(const Bytes& bytes) { pipeline.feed(bytes.data(), bytes.size); }
  void feed_snapshot(ExecSpec spec) {
    spec.kind = TRIGON_REC_SNAPSHOT;
    const std::string args = vector_of(spec.args);
    spec.args.clear();
    const Bytes bytes = make_exec(spec);
    pipeline.feed_snapshot(bytes.data(), bytes.size, args);
  }
  nlohmann::json last() const { return nlohmann::json::parse(sink.lines().back()); }

  sys::BootClock clock{1'788'256'800'000'000'000};
  MemorySink sink;
  std::shared_ptr<const policy::CompiledSet> set;
  output::Pipeline pipeline;
};

}  // namespace trigon::test
