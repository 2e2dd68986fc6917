// Events of processes: those that tests/golden describes, and what is hard to see in a golden line.
#include "output/json_writer.h"

#include <gtest/gtest.h>

#include "tests/unit/output/pipeline_fixture.h"

namespace trigon::output {
namespace {

using nlohmann::json;
using test::PipelineFixture;

test::ExecSpec wget() {
  return {.pid = 4210,
          .start_ns = 1'000'000'000,
          .time_ns = 1'123'456'789,
          .exe = "/usr/bin/wget",
          .args = {"wget", "-q", "http://x/a b"},
          .cwd = "/srv/app",
          .filename = "/usr/bin/wget",
          .env = {"HOME=/root", "EMPTY=", "X=1=2"},
          .uid = 1000};
}

TEST(JsonWriter, GoldenExecAndExit) {
  PipelineFixture fixture;
  fixture.feed(test::make_fork(4210, 1'000'000'000, 1, 10));
  fixture.feed(test::make_exec(wget()));
  EXPECT_EQ(fixture.last(), test::golden("exec"));
  fixture.feed(test::make_exit(4210, 1'000'000'000, 4'500'000'000, 15));
  EXPECT_EQ(fixture.last(), test::golden("exit"));
}

TEST(JsonWriter, GoldenExecWithEverything) {
  class Source : public process::ContextSource {
    void complete(uint32_t, process::Context* context) override {
      if (context->cgroup_id != 777) return;
      context->container_id = "0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f9a0b1c2d3e4f5";
      context->cgroup_path = "/docker/" + context->container_id;
      context->runtime = process::ContainerRuntime::kDocker;
    }
  } source;
  JsonOptions options;
  options.cluster_name = "east";
  options.process_cred = options.process_ns = options.environment = options.ancestors_base = true;
  options.host_ns.mnt = 4026531832;
  PipelineFixture fixture(options, {}, {}, &source);
  fixture.feed(test::make_fork(100, 1000, 1, 10));
  fixture.feed(test::make_exec({.pid = 100, .time_ns = 1500, .exe = "/bin/runc", .args = {"runc", "init"}}));
  auto spec = wget();
  spec.start_ns = 1000;
  spec.pid = 100;
  spec.cgroup_id = 777;
  spec.ns_pid = 1;
  spec.pid_ns = 5;
  spec.exe = "/bin/sh";
  spec.filename = "/srv/app/run.sh";
  spec.flags = TRIGON_EXEC_SCRIPT | TRIGON_EXEC_SECURE | TRIGON_EXEC_RAISED_SETUID | TRIGON_EXEC_BY_THREAD;
  auto builder = test::exec_builder(spec);
  builder.fixed.old_tid = 107;
  builder.fixed.task.creds.euid = 0;
  builder.fixed.task.creds.cap_effective = 1u << 1 | 1u << 13;
  builder.fixed.task.creds.cap_permitted = 1u << 21;
  builder.fixed.task.creds.securebits = 0x11;
  builder.fixed.task.creds.user_ns_level = 1;
  builder.fixed.interp = builder.add("/bin/sh");
  fixture.feed(builder.build());
  EXPECT_EQ(fixture.last(), test::golden("exec_full"));
}

TEST(JsonWriter, ThreadDiffersFromEventToEvent) {
  PipelineFixture fixture;
  fixture.set = test::openat_set({});
  fixture.feed(test::make_hook(1, 10, 100, {}));
  EXPECT_EQ(fixture.last()["process_kprobe"]["process"]["tid"], 2);
  EXPECT_FALSE(fixture.last()["process_kprobe"].contains("args"));
  fixture.feed(test::make_exit(1, 10, 200, 0x300));
  const json exit = fixture.last()["process_exit"];
  EXPECT_EQ(exit["process"]["tid"], 1);
  EXPECT_EQ(exit["status"], 3);
  EXPECT_FALSE(exit.contains("signal"));
  fixture.feed(test::make_hook(2, 20, 210, {}));
  fixture.feed(test::make_exit(2, 20, 220, 0x8b));
  EXPECT_EQ(fixture.last()["process_exit"]["signal"], "SIGSEGV");
  EXPECT_EQ(fixture.last()["process_exit"]["trigon"]["core_dumped"], true);
}

TEST(JsonWriter, LongArgumentsAreWholeInTheExecEventOnly) {
  PipelineFixture fixture;
  const std::string args = test::vector_of({"cat", std::string(100'000, 'x')});
  fixture.feed(test::make_data(100, 1000, TRIGON_DATA_ARGS, args));
  fixture.feed(test::make_exec(
      {.pid = 100, .args = {}, .flags = TRIGON_EXEC_ARGS_DATA, .args_size = static_cast<uint32_t>(args.size())}));
  json process = fixture.last()["process_exec"]["process"];
  EXPECT_EQ(process["arguments"].get<std::string>().size(), 100'000u);
  EXPECT_EQ(process["flags"], "execve clone dataArgs");
  EXPECT_EQ(process["trigon"]["argv"][1].get<std::string>().size(), 100'000u);
  fixture.feed(test::make_exit(100, 1000, 3000));
  process = fixture.last()["process_exit"]["process"];
  EXPECT_EQ(process["arguments"].get<std::string>().size(), 4092u);
  EXPECT_EQ(process["flags"], "execve clone truncArgs dataArgs");
}

TEST(JsonWriter, LostArgumentsAreFlagged) {
  PipelineFixture fixture;
  fixture.feed(test::make_exec({.pid = 100, .args = {}, .flags = TRIGON_EXEC_ARGS_DATA, .args_size = 9000}));
  const json process = fixture.last()["process_exec"]["process"];
  EXPECT_EQ(process["flags"], "execve clone truncArgs dataArgs");
  EXPECT_EQ(process["trigon"]["args_size"], 9000);
}

TEST(JsonWriter, UnknownProcess) {
  PipelineFixture fixture;
  fixture.feed(test::make_exit(900, 5, 3000));
  const json process = fixture.last()["process_exit"]["process"];
  EXPECT_EQ(process["flags"], "unknown");
  EXPECT_EQ(process["auid"], 4294967295u);
  EXPECT_FALSE(process.contains("uid"));
  EXPECT_FALSE(process.contains("binary"));
}

TEST(JsonWriter, MemfdHasBinaryProperties) {
  PipelineFixture fixture;
  auto builder = test::exec_builder({.exe = "memfd:payload", .exe_flags = TRIGON_PATH_PSEUDO | TRIGON_PATH_UNLINKED});
  builder.fixed.file.nlink = 0;
  fixture.feed(builder.build());
  const json process = fixture.last()["process_exec"]["process"];
  EXPECT_EQ(process["binary"], "/memfd:payload (deleted)");
  EXPECT_EQ(process["binary_properties"]["file"]["inode"], (json{{"number", "77"}, {"links", 0}}));
}

TEST(JsonWriter, EnvironmentNamesCanBeChosen) {
  JsonOptions options;
  options.environment = true;
  options.environment_names = {"X"};
  PipelineFixture fixture(options);
  fixture.feed(test::make_exec(wget()));
  EXPECT_EQ(fixture.last()["process_exec"]["process"]["environment_variables"],
            json::parse(R"([{"Key":"X","Value":"1=2"}])"));
}

TEST(JsonWriter, TwoWritersWithDifferentOptionsDoNotMix) {
  PipelineFixture fixture;
  test::MemorySink other;
  JsonOptions options;
  options.node_name = "node-b";
  fixture.pipeline.add_output(std::make_unique<JsonWriter>(options, &fixture.clock), &other);
  for (int i = 0; i < 2; ++i) {
    fixture.feed(test::make_exec(wget()));
    EXPECT_EQ(fixture.last()["process_exec"]["process"]["exec_id"], "bm9kZS1hOjExMjM0NTY3ODk6NDIxMA==");
    EXPECT_EQ(test::parse_line(other.lines().back())["process_exec"]["process"]["exec_id"],
              "bm9kZS1iOjExMjM0NTY3ODk6NDIxMA==");
  }
}

}  // namespace
}  // namespace trigon::output
