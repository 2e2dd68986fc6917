// A pipeline into memory.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
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

// One hook in slot 0; its selectors differ in what they do.
inline std::shared_ptr<policy::CompiledSet> set_of(policy::HookSpec spec,
                                                   const std::vector<policy::SelectorInfo>& infos,
                                                   uint32_t generation = 1) {
  auto shared = std::make_shared<policy::HookSpec>(std::move(spec));
  auto set = std::make_shared<policy::CompiledSet>();
  set->generation = generation;
  for (const policy::SelectorInfo& info : infos) set->hooks[0].push_back({shared, info});
  return set;
}

// One policy, one kprobe on sys_openat with the given arguments, matched by selector 0 (posts), 1 (kills), 2 (NoPost).
inline std::shared_ptr<policy::CompiledSet> openat_set(std::vector<policy::ArgSpec> args, uint32_t generation = 1) {
  policy::HookSpec spec;
  spec.policy = "watch";
  spec.function = "sys_openat";
  spec.args = std::move(args);
  return set_of(std::move(spec),
                {{.actions = TRIGON_ACT_POST},
                 {.actions = TRIGON_ACT_POST | TRIGON_ACT_SIGNAL, .signal = 9, .is_sigkill = true},
                 {.actions = TRIGON_ACT_SIGNAL, .signal = 9, .is_sigkill = true}},
                generation);
}

// The hook entry of a set of set_of().
inline policy::HookSpec& spec_of(const policy::CompiledSet& set) {
  return const_cast<policy::HookSpec&>(*set.hooks.at(0)[0].spec);
}

// tests/golden/NAME.json: one value, indented for reading.
inline nlohmann::json golden(const std::string& name) {
  std::ifstream file(std::string(TRIGON_SOURCE_DIR) + "/tests/golden/" + name + ".json");
  EXPECT_TRUE(file) << name;
  return nlohmann::json::parse(file, nullptr, false);
}

// Parses, and fails when an object has the same member twice, which a parser would not tell.
inline nlohmann::json parse_line(const std::string& line) {
  std::vector<std::set<std::string>> keys;
  std::string twice;
  const auto see = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    if (event == nlohmann::json::parse_event_t::object_start) keys.emplace_back();
    if (event == nlohmann::json::parse_event_t::object_end) keys.pop_back();
    if (event == nlohmann::json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      twice = parsed.get<std::string>();
    }
    return true;
  };
  nlohmann::json value = nlohmann::json::parse(line, see);
  EXPECT_EQ(twice, "") << line;
  return value;
}

// Knows some addresses.
class FakeResolver : public output::StackResolver {
 public:
  output::StackFrame kernel(uint64_t address) override {
    if (address < 0x1000) return {};
    return {"security_file_open", {}, address - 0x1000};
  }
  output::StackFrame user(uint32_t pid, uint64_t start_ns, uint64_t address) override {
    asked = {pid, start_ns};
    if (address < 0x1000) return {};
    return {address < 0x2000 ? "" : "main", "/usr/bin/a b", address - 0x1000};
  }
  std::pair<uint32_t, uint64_t> asked;
};

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
  nlohmann::json last() const { return parse_line(sink.lines().back()); }

  sys::BootClock clock{1'788'256'800'000'000'000};
  MemorySink sink;
  std::shared_ptr<const policy::CompiledSet> set;
  output::Pipeline pipeline;
};

}  // namespace trigon::test
