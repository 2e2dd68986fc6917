#include "output/pipeline.h"

#include <gtest/gtest.h>

#include "tests/unit/output/pipeline_fixture.h"

namespace trigon::output {
namespace {

using test::PipelineFixture;

test::Bytes on_cpu(test::Bytes bytes, uint16_t cpu, uint32_t lost) {
  auto* rec = reinterpret_cast<trigon_record*>(bytes.bytes());
  rec->cpu = cpu;
  rec->lost = lost;
  return bytes;
}

TEST(Pipeline, LossIsReportedWhereItHappened) {
  PipelineFixture fixture;
  fixture.feed(on_cpu(test::make_exec({.pid = 100}), 1, 0));
  fixture.feed(on_cpu(test::make_exec({.pid = 101}), 1, 12));
  const auto lines = fixture.sink.lines();
  ASSERT_EQ(lines.size(), 3u);
  const auto loss = nlohmann::json::parse(lines[1]);
  EXPECT_EQ(loss["lost_events"], (nlohmann::json{{"count", "12"}, {"cpu", 1}, {"reason", "ring_full"}}));
  EXPECT_EQ(loss["node_name"], "node-a");
  EXPECT_TRUE(nlohmann::json::parse(lines[2]).contains("process_exec"));
}

TEST(Pipeline, FirstRecordOfACpuTellsWhatWasLostBefore) {
  PipelineFixture fixture;
  fixture.feed(on_cpu(test::make_fork(100, 1000, 1, 10), 3, 5));
  EXPECT_EQ(fixture.pipeline.counters().lost, 5u);
}

TEST(Pipeline, CountersDoNotCountTwice) {
  PipelineFixture fixture;
  fixture.feed(on_cpu(test::make_fork(100, 1000, 1, 10), 0, 5));
  fixture.pipeline.note_lost(0, 5, 2000);
  EXPECT_EQ(fixture.pipeline.counters().lost, 5u);
  fixture.pipeline.note_lost(0, 8, 2000);  // ahead of the records
  fixture.feed(on_cpu(test::make_fork(101, 1000, 1, 10), 0, 7));
  fixture.feed(on_cpu(test::make_fork(102, 1000, 1, 10), 0, 8));
  EXPECT_EQ(fixture.pipeline.counters().lost, 8u);
  fixture.feed(on_cpu(test::make_fork(103, 1000, 1, 10), 0, 9));
  EXPECT_EQ(fixture.pipeline.counters().lost, 9u);
  EXPECT_EQ(fixture.pipeline.counters().lost_events, 3u);
}

TEST(Pipeline, LossCounterWraps) {
  PipelineFixture fixture;
  fixture.pipeline.note_lost(0, 0xfffffffeull, 1);
  fixture.feed(on_cpu(test::make_fork(100, 1000, 1, 10), 0, 3));
  EXPECT_EQ(fixture.pipeline.counters().lost, 0x100000003ull);
  fixture.pipeline.note_lost(0, 0x100000003ull, 2);
  EXPECT_EQ(fixture.pipeline.counters().lost, 0x100000003ull);
}

TEST(Pipeline, MalformedRecordsAreCounted) {
  PipelineFixture fixture;
  event::DecodeError seen = event::DecodeError::kNone;
  fixture.pipeline.set_malformed_listener([&](event::DecodeError error) { seen = error; });
  const auto bytes = test::make_fork(100, 1000, 1, 10);
  fixture.pipeline.feed(bytes.data(), 20);
  EXPECT_EQ(seen, event::DecodeError::kShort);
  EXPECT_EQ(fixture.pipeline.counters().malformed, 1u);
  EXPECT_EQ(fixture.pipeline.counters().consumed_total, 0u);
}

TEST(Pipeline, FansOutToSelectorsThatPost) {
  PipelineFixture fixture;
  fixture.set = test::openat_set({{0, "int", ""}});
  fixture.feed(test::make_hook(1, 10, 100, {{.value = 3}}, {0, 1, 2}));
  EXPECT_EQ(fixture.sink.lines().size(), 2u);
  EXPECT_EQ(fixture.pipeline.counters().hook_events, 2u);
  EXPECT_EQ(fixture.pipeline.counters().stale, 0u);
}

TEST(Pipeline, SlotsNeedNotFollowOneAnother) {
  PipelineFixture fixture;
  auto set = test::openat_set({});
  set->hooks[TRIGON_MAX_HOOKS - 1] = set->hooks[0];
  set->hooks.erase(0);
  fixture.set = set;
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}, 1, {.hook = TRIGON_MAX_HOOKS - 1}));
  EXPECT_EQ(fixture.pipeline.counters().hook_events, 1u);
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}, 1, {.hook = 0}));
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}, 1, {.hook = TRIGON_MAX_HOOKS}));
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}, 1, {.hook = 0xffff}));
  EXPECT_EQ(fixture.pipeline.counters().stale, 3u);
  EXPECT_EQ(fixture.pipeline.counters().hook_events, 1u);
}

TEST(Pipeline, JoinedRecordsPostWhatTheReturnPhaseSays) {
  PipelineFixture fixture;
  fixture.set = test::set_of({}, {{.actions = TRIGON_ACT_POST, .return_actions = 0},
                                  {.actions = TRIGON_ACT_RETURN, .return_actions = TRIGON_ACT_POST}});
  fixture.feed(test::make_hook(1, 10, 100, {}, {0, 1}, 1, {.flags = TRIGON_HOOK_RETURN}));
  EXPECT_EQ(fixture.pipeline.counters().hook_events, 1u);
  EXPECT_TRUE(fixture.last()["process_kprobe"].contains("return_action"));
  fixture.feed(test::make_hook(1, 10, 100, {}, {0, 1}));
  EXPECT_EQ(fixture.pipeline.counters().hook_events, 2u);
  EXPECT_FALSE(fixture.last()["process_kprobe"].contains("return_action"));
}

TEST(Pipeline, UserActionsGoToTheListener) {
  PipelineFixture fixture;
  const std::vector<policy::UserActionSpec> user = {{false, "http://canary"}, {true, "canary.example"}};
  fixture.set = test::set_of({}, {{.actions = TRIGON_ACT_POST | TRIGON_ACT_USER, .user = user},
                                  {.actions = TRIGON_ACT_USER, .user = user},
                                  {.actions = TRIGON_ACT_POST, .user = user}});
  // Nobody does them: not claimed.
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}));
  EXPECT_EQ(fixture.last()["process_kprobe"]["action"], "KPROBE_ACTION_POST");
  std::vector<std::string> asked;
  bool accepts = true;
  fixture.pipeline.set_user_action_listener([&](const HookEvent& event, const policy::UserActionSpec& spec) {
    EXPECT_EQ(event.process.pid, 1u);
    asked.push_back(spec.target);
    return accepts;
  });
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}));
  EXPECT_EQ(asked, (std::vector<std::string>{"http://canary", "canary.example"}));
  EXPECT_EQ(fixture.last()["process_kprobe"]["action"], "KPROBE_ACTION_DNSLOOKUP");
  accepts = false;
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}));
  EXPECT_EQ(fixture.last()["process_kprobe"]["action"], "KPROBE_ACTION_POST");
  EXPECT_EQ(fixture.sink.lines().size(), 3u);
  fixture.feed(test::make_hook(1, 10, 100, {}, {1}));  // NoPost: done, not written
  EXPECT_EQ(fixture.sink.lines().size(), 3u);
  EXPECT_EQ(asked.size(), 6u);
  fixture.feed(test::make_hook(1, 10, 100, {}, {2}));
  EXPECT_EQ(asked.size(), 6u);
}

TEST(Pipeline, HookDataIsHandedOnWithItsEvent) {
  PipelineFixture fixture;
  fixture.set = test::openat_set({{0, "char_buf", ""}});
  const test::FieldSpec field{.type = TRIGON_ARG_CHAR_BUF, .data = "foo", .flags = TRIGON_FIELD_TRUNCATED, .size = 6};
  fixture.feed(test::make_hook_data(1, 0, 3, "bar"));
  fixture.feed(test::make_hook(1, 10, 100, {field}));
  EXPECT_EQ(fixture.last()["process_kprobe"]["args"][0].dump(), R"({"bytes_arg":"Zm9vYmFy"})");
  fixture.feed(test::make_hook(1, 10, 100, {field}));
  EXPECT_EQ(fixture.last()["process_kprobe"]["args"][0].dump(),
            R"({"truncated_bytes_arg":{"bytes_arg":"Zm9v","orig_size":"6"}})");
  EXPECT_EQ(fixture.pipeline.counters().consumed[TRIGON_REC_HOOK_DATA], 1u);
  EXPECT_EQ(fixture.pipeline.counters().consumed_total, 3u);
}

TEST(Pipeline, LoaderRecordsAreEvents) {
  OutputFilter filter;
  filter.kinds = kind_bit(EventKind::kLoader);
  PipelineFixture fixture({}, filter);
  fixture.feed(test::make_loader(1, 10, "/lib/x.so", "\xab\xcd"));
  EXPECT_EQ(fixture.pipeline.counters().loader_events, 1u);
  EXPECT_EQ(fixture.last()["process_loader"]["buildid"], "q80=");
  filter.kinds = kind_bit(EventKind::kHook);
  PipelineFixture other({}, filter);
  other.feed(test::make_loader(1, 10, "/lib/x.so", ""));
  EXPECT_TRUE(other.sink.lines().empty());
}

TEST(Pipeline, StaleGenerationsAreCounted) {
  PipelineFixture fixture;
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}, 7));
  fixture.set = test::openat_set({});
  fixture.feed(test::make_hook(1, 10, 100, {}, {9}));
  EXPECT_EQ(fixture.pipeline.counters().stale, 2u);
  EXPECT_TRUE(fixture.sink.lines().empty());
  // The next generation has another name for the same number.
  auto next = test::openat_set({}, 2);
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}));
  fixture.set = next;
  test::spec_of(*next).policy = "next";
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}, 2));
  EXPECT_EQ(fixture.last()["process_kprobe"]["policy_name"], "next");
}

TEST(Pipeline, FiltersByKindAndProcess) {
  OutputFilter filter;
  filter.kinds = kind_bit(EventKind::kExec);
  filter.accept = [](EventKind, const process::Process& process) { return process.pid != 101; };
  PipelineFixture fixture({}, filter);
  fixture.feed(test::make_exec({.pid = 100}));
  fixture.feed(test::make_exec({.pid = 101}));
  fixture.feed(test::make_exit(100, 1000, 3000));
  EXPECT_EQ(fixture.sink.lines().size(), 1u);
  EXPECT_EQ(fixture.pipeline.counters().exec_events, 2u);
  EXPECT_EQ(fixture.pipeline.counters().exit_events, 1u);
}

TEST(Pipeline, SnapshotEventsOnlyWhenAsked) {
  PipelineFixture quiet;
  EXPECT_TRUE(quiet.sink.lines().empty());
  PipelineOptions options;
  options.snapshot_events = true;
  PipelineFixture fixture({}, {}, options);
  EXPECT_EQ(fixture.last()["process_exec"]["process"]["flags"], "procFS");
}

TEST(Pipeline, CgroupRecordsGoToTheListener) {
  PipelineFixture fixture;
  std::string path;
  fixture.pipeline.set_cgroup_listener([&](const event::Cgroup& cgroup) { path = cgroup.path; });
  test::RecordBuilder<trigon_cgroup_event> builder(TRIGON_REC_CGROUP);
  builder.fixed.path = builder.add("/docker/x");
  fixture.feed(builder.build());
  EXPECT_EQ(path, "/docker/x");
}

}  // namespace
}  // namespace trigon::output
