// The events that tests/golden describes, and what is hard to see in a golden line.
#include "output/json_writer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <fstream>
#include <sstream>

#include "tests/unit/output/pipeline_fixture.h"

namespace trigon::output {
namespace {

using nlohmann::json;
using test::PipelineFixture;

// tests/golden/NAME.json: one value, indented for reading.
json golden(const std::string& name) {
  std::ifstream file(std::string(TRIGON_SOURCE_DIR) + "/tests/golden/" + name + ".json");
  EXPECT_TRUE(file) << name;
  return json::parse(file, nullptr, false);
}

template <typename T>
std::string bytes_of(const T& value, size_t size = sizeof(T)) {
  return std::string(reinterpret_cast<const char*>(&value), size);
}

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
  EXPECT_EQ(fixture.last(), golden("exec"));
  fixture.feed(test::make_exit(4210, 1'000'000'000, 4'500'000'000, 15));
  EXPECT_EQ(fixture.last(), golden("exit"));
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
  EXPECT_EQ(fixture.last(), golden("exec_full"));
}

TEST(JsonWriter, GoldenKprobe) {
  PipelineFixture fixture;
  fixture.set = test::openat_set({{0, "int", "dirfd"}, {1, "string", ""}, {2, "size_t", ""}, {3, "fd", ""}});
  fixture.feed(test::make_hook(1, 10, 2'000'000'000,
                               {{.value = 0xffffff9c},
                                {.type = TRIGON_ARG_STRING, .data = "/etc/\"x\"\n"},
                                {.type = TRIGON_ARG_UINT64, .value = 18446744073709551615u},
                                {.type = TRIGON_ARG_FD, .value = 3, .data = "/tmp/a", .path_flags = 1}},
                               {1}));
  EXPECT_EQ(fixture.last(), golden("kprobe"));
}

TEST(JsonWriter, GoldenTracepoint) {
  PipelineFixture fixture;
  auto spec = std::make_shared<policy::HookSpec>();
  spec->kind = policy::HookKind::kTracepoint;
  spec->subsystem = "raw_syscalls";
  spec->event = "sys_enter";
  spec->policy = "all";
  spec->message = "a call";
  spec->tags = {"t1", "t2"};
  spec->args = {{0, "syscall64", ""}, {1, "nop", ""}};
  auto set = std::make_shared<policy::CompiledSet>();
  set->generation = 1;
  set->hooks.push_back({{spec, {TRIGON_ACT_POST | TRIGON_ACT_SIGNAL | TRIGON_ACT_MONITOR, 9, true}}});
  fixture.set = set;
  fixture.feed(test::make_hook(1, 10, 2'000'000'000, {{.type = TRIGON_ARG_SYSCALL, .value = 59}}));
  EXPECT_EQ(fixture.last(), golden("tracepoint"));
}

json arguments(const std::vector<policy::ArgSpec>& specs, const std::vector<test::FieldSpec>& fields) {
  PipelineFixture fixture;
  fixture.set = test::openat_set(specs);
  fixture.feed(test::make_hook(1, 10, 100, fields));
  return fixture.last()["process_kprobe"]["args"];
}

TEST(JsonWriter, ArgumentForms) {
  const auto one = [](const std::string& type, test::FieldSpec field) {
    return arguments({{0, type, ""}}, {std::move(field)})[0].dump();
  };
  EXPECT_EQ(one("int", {.value = 0}), R"({"int_arg":0})");
  EXPECT_EQ(one("int32", {.value = 0xffffffffffffffff}), R"({"int_arg":-1})");
  EXPECT_EQ(one("uint32", {.value = 0xffffffff}), R"({"uint_arg":4294967295})");
  EXPECT_EQ(one("int64", {.value = 0xffffffffffffffff}), R"({"long_arg":"-1"})");
  EXPECT_EQ(one("uint64", {.value = 5}), R"({"size_arg":"5"})");
  EXPECT_EQ(one("string", {.data = ""}), R"({"string_arg":""})");
  EXPECT_EQ(one("char_buf", {.data = "foo", .size = 3}), R"({"bytes_arg":"Zm9v"})");
  EXPECT_EQ(one("char_buf", {.data = "foo", .size = 9}),
            R"({"truncated_bytes_arg":{"bytes_arg":"Zm9v","orig_size":"9"}})");
  EXPECT_EQ(one("fd", {.data = "/a", .path_flags = TRIGON_PATH_TRUNCATED}),
            R"({"file_arg":{"flags":"unresolvedPathComponents","path":"/a"}})");
  EXPECT_EQ(one("path", {.data = ""}), R"({"path_arg":{"path":"/"}})");
  EXPECT_EQ(one("string", {.flags = TRIGON_FIELD_UNREADABLE}), R"({"error_arg":{"Message":"bad address"}})");
  EXPECT_EQ(one("syscall64", {.value = 0x80000005}), R"({"syscall_id":{"abi":"i386","id":5}})");
  EXPECT_EQ(one("syscall64", {.value = 0}), R"({"syscall_id":{"abi":"x64"}})");
  EXPECT_EQ(one("something new", {.type = TRIGON_ARG_STRING, .data = "x"}), R"({"string_arg":"x"})");
  EXPECT_EQ(arguments({{7, "int", "gone"}}, {{}})[0].dump(),
            R"({"error_arg":{"Message":"not captured"},"label":"gone"})");
}

TEST(JsonWriter, SocketAddresses) {
  const auto one = [](const std::string& data) {
    return arguments({{0, "sockaddr", ""}}, {{.type = TRIGON_ARG_SOCKADDR, .data = data}})[0].dump();
  };
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(443);
  ::inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
  EXPECT_EQ(one(bytes_of(v4)), R"({"sockaddr_arg":{"addr":"192.0.2.7","family":"AF_INET","port":443}})");
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  ::inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
  EXPECT_EQ(one(bytes_of(v6, 24)), R"({"sockaddr_arg":{"addr":"2001:db8::1","family":"AF_INET6"}})");
  EXPECT_EQ(one(bytes_of(v4, 4)), R"({"sockaddr_arg":{"family":"AF_INET"}})");
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  std::strcpy(un.sun_path, "/run/x");
  EXPECT_EQ(one(bytes_of(un)), R"({"sockaddrun_arg":{"family":"AF_UNIX","path":"/run/x"}})");
  EXPECT_EQ(one(std::string("\1\0\0ab", 5)), R"({"sockaddrun_arg":{"family":"AF_UNIX","path":"@ab"}})");
  EXPECT_EQ(one("\xe7\x03"), R"({"sockaddr_arg":{"family":"999"}})");
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
    EXPECT_EQ(json::parse(other.lines().back())["process_exec"]["process"]["exec_id"],
              "bm9kZS1iOjExMjM0NTY3ODk6NDIxMA==");
  }
}

}  // namespace
}  // namespace trigon::output
