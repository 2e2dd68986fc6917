#include "output/compact_writer.h"

#include <gtest/gtest.h>

#include "tests/unit/output/pipeline_fixture.h"

namespace trigon::output {
namespace {

class CompactTest : public ::testing::Test {
 protected:
  void start(CompactOptions options = {}) {
    options.node_name = "node-a";
    fixture_.pipeline.add_output(std::make_unique<CompactWriter>(options, &fixture_.clock), &sink_);
  }
  std::string last() const { return sink_.lines().back(); }
  // Arguments are numbered in their order.
  std::string hook(std::vector<policy::ArgSpec> args, const std::vector<test::FieldSpec>& fields,
                   const std::string& function = "sys_openat", uint16_t selector = 0) {
    for (size_t i = 0; i < args.size(); ++i) args[i].index = static_cast<uint32_t>(i);
    auto set = test::openat_set(std::move(args));
    const_cast<policy::HookSpec&>(*set->hooks[0][0].spec).function = function;
    fixture_.set = set;
    fixture_.pipeline.policies_changed();
    fixture_.feed(test::make_hook(1, 10, 5, fields, {selector}));
    return last();
  }

  test::PipelineFixture fixture_;
  test::MemorySink sink_;
};

TEST_F(CompactTest, ExecAndExit) {
  start();
  fixture_.feed(test::make_exec({.exe = "/usr/bin/wget", .args = {"wget", "-q", "a b", "\x1b[31m"}}));
  EXPECT_EQ(last(), "🚀 process node-a /usr/bin/wget -q \"a b\" \"\\u001b[31m\"");
  fixture_.feed(test::make_exit(100, 1000, 3000, 9));
  EXPECT_EQ(last(), "💥 exit    node-a /usr/bin/wget -q \"a b\" \"\\u001b[31m\" SIGKILL");
  // Once is enough: two threads that leave last together both report.
  fixture_.feed(test::make_exit(100, 1000, 3000, 0x200));
  EXPECT_TRUE(last().ends_with("SIGKILL")) << last();
  fixture_.feed(test::make_exec({.pid = 101, .start_ns = 1001, .args = {"true"}}));
  fixture_.feed(test::make_exit(101, 1001, 3000, 0x200));
  EXPECT_TRUE(last().ends_with(" 2")) << last();
}

TEST_F(CompactTest, ParentsScriptsAndTime) {
  start({.timestamps = true, .parents = true});
  fixture_.feed(
      test::make_exec({.exe = "/bin/sh", .args = {"sh", "/a.sh"}, .filename = "/a.sh", .flags = TRIGON_EXEC_SCRIPT}));
  EXPECT_EQ(last(), "2026-09-01T10:00:00.000002000Z 🚀 process node-a /bin/sh </a.sh> /a.sh ← /sbin/init[1]");
}

TEST_F(CompactTest, Color) {
  start({.color = true});
  fixture_.feed(test::make_exec({.args = {"true", "x"}}));
  EXPECT_EQ(last(), "🚀 \x1b[34mprocess\x1b[0m \x1b[32mnode-a\x1b[0m \x1b[35m/usr/bin/true\x1b[0m \x1b[36mx\x1b[0m");
}

TEST_F(CompactTest, HostileBinary) {
  start();
  fixture_.feed(test::make_exec({.exe = "/tmp/\x1b]0;owned\a", .args = {}}));
  EXPECT_EQ(last(), "🚀 process node-a \"/tmp/\\u001b]0;owned\\u0007\"");
}

TEST_F(CompactTest, Hooks) {
  start();
  const test::FieldSpec dirfd{.value = 3};
  const test::FieldSpec path{.type = TRIGON_ARG_STRING, .data = "/etc/shadow"};
  EXPECT_EQ(hook({{0, "int", ""}, {1, "string", ""}}, {dirfd, path}),
            "📬 openat  node-a /sbin/init /etc/shadow [watch]");
  EXPECT_EQ(hook({{0, "int", ""}, {1, "string", ""}}, {dirfd, path}, "__x64_sys_openat", 1),
            "📬 openat  node-a /sbin/init /etc/shadow SIGKILL [watch]");
  // Too few arguments for the layout of openat: like any other call.
  EXPECT_EQ(hook({{0, "int", "dirfd"}}, {dirfd}), "❓ syscall node-a /sbin/init sys_openat(dirfd=3) [watch]");
  EXPECT_EQ(hook({{0, "string", ""}, {1, "string", ""}}, {path, path}, "sys_renameat2"),
            "❓ syscall node-a /sbin/init sys_renameat2(/etc/shadow, /etc/shadow) [watch]");
  EXPECT_EQ(hook({{0, "fd", ""}, {0, "nop", ""}, {1, "size_t", ""}},
                 {{.type = TRIGON_ARG_FD, .data = "/tmp/a b"}, {.type = TRIGON_ARG_UINT64, .value = 5}}, "sys_write"),
            "📝 write   node-a /sbin/init \"/tmp/a b\" 5 bytes [watch]");
}

TEST_F(CompactTest, SyscallByName) {
  start();
  const auto line = hook({{0, "syscall64", ""}}, {{.type = TRIGON_ARG_SYSCALL, .value = 59}}, "x");
#if defined(__x86_64__)
  EXPECT_NE(line.find("x64/execve"), std::string::npos) << line;
#endif
}

TEST_F(CompactTest, Loss) {
  start();
  fixture_.pipeline.note_lost(2, 12, 5);
  EXPECT_EQ(last(), "⚠️ lost    node-a 12 events on cpu 2 (ring_full)");
}

TEST_F(CompactTest, UnknownProcessShowsItsPid) {
  start();
  fixture_.feed(test::make_exit(900, 5, 3000));
  EXPECT_EQ(last(), "💥 exit    node-a <unknown>[900] 0");
}

}  // namespace
}  // namespace trigon::output
