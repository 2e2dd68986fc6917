#include "output/compact_writer.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

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
                   const std::string& function = "sys_openat", uint16_t selector = 0,
                   const test::HookExtras& extras = {}) {
    for (size_t i = 0; i < args.size(); ++i) args[i].index = static_cast<uint32_t>(i);
    auto set = test::openat_set(std::move(args));
    test::spec_of(*set).function = function;
    fixture_.set = set;
    fixture_.pipeline.policies_changed();
    fixture_.feed(test::make_hook(1, 10, 5, fields, {selector}, 1, extras));
    return last();
  }
  // All lines of an event.
  std::string of(const policy::HookSpec& spec, const policy::SelectorInfo& info,
                 const std::vector<test::FieldSpec>& fields, const test::HookExtras& extras = {}) {
    policy::SelectorInfo posting = info;
    posting.actions |= TRIGON_ACT_POST;
    posting.return_actions |= TRIGON_ACT_POST;
    fixture_.set = test::set_of(spec, {posting});
    fixture_.pipeline.policies_changed();
    const size_t before = sink_.buffer().size();
    fixture_.feed(test::make_hook(1, 10, 5, fields, {0}, 1, extras));
    return std::string(sink_.buffer().view(before));
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
  EXPECT_EQ(
      hook({{0, "int", ""}, {1, "string", ""}}, {dirfd, path}, "__x64_sys_openat", 1, {.flags = TRIGON_HOOK_SIGNALLED}),
      "📬 openat  node-a /sbin/init /etc/shadow SIGKILL [watch]");
  // Too few arguments for the layout of openat: like any other call.
  EXPECT_EQ(hook({{0, "int", "dirfd"}}, {dirfd}), "❓ syscall node-a /sbin/init sys_openat(dirfd=3) [watch]");
  EXPECT_EQ(hook({{0, "string", ""}, {1, "string", ""}}, {path, path}, "sys_renameat2"),
            "❓ syscall node-a /sbin/init sys_renameat2(/etc/shadow, /etc/shadow) [watch]");
  EXPECT_EQ(hook({{0, "fd", ""}, {0, "nop", ""}, {1, "size_t", ""}},
                 {{.type = TRIGON_ARG_FD, .data = "/tmp/a b"}, {.type = TRIGON_ARG_UINT64, .value = 5}}, "sys_write"),
            "📝 write   node-a /sbin/init \"/tmp/a b\" 5 bytes [watch]");
}

std::string sock_bytes(uint16_t dport) {
  trigon_sock sock{};
  test::set_ipv4(sock.saddr, 10, 0, 0, 1);
  test::set_ipv4(sock.daddr, 192, 0, 2, 7);
  sock.family = AF_INET;
  sock.protocol = IPPROTO_TCP;
  sock.sport = 4711;
  sock.dport = dport;
  return test::bytes_of(sock);
}

TEST_F(CompactTest, KnownFunctions) {
  start();
  const test::FieldSpec file{.type = TRIGON_ARG_FILE, .data = "/etc/shadow"};
  const auto number = [](uint64_t value) { return test::FieldSpec{.value = value}; };
  const test::FieldSpec sock{.type = TRIGON_ARG_SOCK, .data = sock_bytes(80)};
  const auto line = [&](const std::string& function, const std::vector<policy::ArgSpec>& args,
                        const std::vector<test::FieldSpec>& fields) {
    const std::string text = hook(args, fields, function);
    const std::string_view tail = " [watch]";
    EXPECT_TRUE(text.ends_with(tail)) << text;
    return text.substr(0, text.size() - tail.size());
  };
  const std::vector<policy::ArgSpec> file_and_mask = {{0, "file", ""}, {1, "int", ""}};
  EXPECT_EQ(line("security_file_permission", file_and_mask, {file, number(2)}),
            "📝 write   node-a /sbin/init /etc/shadow");
  EXPECT_EQ(line("security_file_permission", file_and_mask, {file, number(4)}),
            "📚 read    node-a /sbin/init /etc/shadow");
  EXPECT_EQ(line("security_file_permission", file_and_mask, {file, number(1)}),
            "❓ kprobe  node-a /sbin/init security_file_permission(/etc/shadow, 1)");
  EXPECT_EQ(line("security_file_permission", file_and_mask, {file, {.flags = TRIGON_FIELD_UNREADABLE}}),
            "❓ kprobe  node-a /sbin/init security_file_permission(/etc/shadow, <unreadable>)");
  EXPECT_EQ(line("security_mmap_file", file_and_mask, {file, number(5)}), "📝 mmap-rx node-a /sbin/init /etc/shadow");
  EXPECT_EQ(line("security_path_truncate", {{0, "path", ""}}, {file}), "📝 truncate node-a /sbin/init /etc/shadow");
  EXPECT_EQ(line("fd_install", {{0, "int", ""}, {1, "file", ""}}, {number(3), file}),
            "📬 open    node-a /sbin/init /etc/shadow");
  EXPECT_EQ(line("security_file_open", {{0, "file", ""}}, {file}), "📬 open    node-a /sbin/init /etc/shadow");
  EXPECT_EQ(line("security_bprm_check", {{0, "linux_binprm", ""}}, {{.type = TRIGON_ARG_BINPRM, .data = "/bin/x"}}),
            "🚀 exec    node-a /sbin/init /bin/x");
  EXPECT_EQ(line("sys_setns", {{0, "int", ""}, {1, "int", ""}}, {number(3), number(0x40000000)}),
            "🔧 setns   node-a /sbin/init net");
  EXPECT_EQ(line("tcp_connect", {{0, "sock", ""}}, {sock}),
            "🔌 connect node-a /sbin/init tcp 10.0.0.1:4711 -> 192.0.2.7:80");
  EXPECT_EQ(line("tcp_close", {{0, "sock", ""}}, {sock}),
            "🧹 close   node-a /sbin/init tcp 10.0.0.1:4711 -> 192.0.2.7:80");
  EXPECT_EQ(line("tcp_sendmsg", {{0, "sock", ""}, {0, "nop", ""}, {1, "int", ""}}, {sock, number(20)}),
            "📤 sendmsg node-a /sbin/init tcp 10.0.0.1:4711 -> 192.0.2.7:80 bytes 20");
  EXPECT_EQ(line("inet_csk_listen_start", {{0, "sock", ""}}, {{.type = TRIGON_ARG_SOCK, .data = sock_bytes(0)}}),
            "👂 listen  node-a /sbin/init tcp 10.0.0.1:4711");
  trigon_bpf_prog prog{"probe", 2, 42};
  EXPECT_EQ(line("bpf_check", {{0, "nop", ""}, {0, "bpf_attr", ""}},
                 {{.type = TRIGON_ARG_BPF_ATTR, .data = test::bytes_of(prog)}}),
            "🐝 bpf_load node-a /sbin/init BPF_PROG_TYPE_KPROBE probe instruction count 42");
  trigon_bpf_map map{"counts", 1, 4, 8, 9};
  EXPECT_EQ(line("security_bpf_map_create", {{0, "bpf_map", ""}},
                 {{.type = TRIGON_ARG_BPF_MAP, .data = test::bytes_of(map)}}),
            "🗺 bpf_map_create node-a /sbin/init BPF_MAP_TYPE_HASH counts key size 4 value size 8 max entries 9");
  trigon_perf_event perf{};
  std::strcpy(perf.function, "do_x");
  perf.type = 2;
  EXPECT_EQ(line("security_perf_event_alloc", {{0, "perf_event", ""}},
                 {{.type = TRIGON_ARG_PERF_EVENT, .data = test::bytes_of(perf)}}),
            "🐝 perf_event_alloc node-a /sbin/init PERF_TYPE_TRACEPOINT do_x");
  trigon_creds creds{};
  creds.euid = 1000;
  creds.cap_effective = 0x2000;
  EXPECT_EQ(line("commit_creds", {{0, "cred", "new"}}, {{.type = TRIGON_ARG_CRED, .data = test::bytes_of(creds)}}),
            "❓ kprobe  node-a /sbin/init commit_creds(new={uid=0 euid=1000 gid=0 caps=2000})");
}

TEST_F(CompactTest, OtherKindsOfHooks) {
  start();
  policy::HookSpec lsm{.policy = "p", .kind = policy::HookKind::kLsm, .function = "file_open"};
  lsm.args = {{0, "file", ""}};
  const std::vector<test::FieldSpec> file = {{.type = TRIGON_ARG_FILE, .data = "/tmp/x", .path_flags = 1}};
  EXPECT_EQ(of(lsm, {}, file), "🔒 LSM     node-a /sbin/init file_open(/tmp/x (deleted)) [p]\n");
  EXPECT_EQ(of(lsm, {.actions = TRIGON_ACT_IMA}, file, {.ima = "\x04\x9f\x01"}),
            "🔒 LSM     node-a /sbin/init file_open(/tmp/x (deleted)) [p]\n   /tmp/x (deleted) sha256:9f01\n");
  policy::HookSpec uprobe{.policy = "p", .kind = policy::HookKind::kUprobe, .function = "readline"};
  uprobe.path = "/bin/bash";
  uprobe.returns = {{0, "string", ""}};
  EXPECT_EQ(of(uprobe, {}, {{.type = TRIGON_ARG_STRING, .data = "ls -l"}}, {.flags = TRIGON_HOOK_RETURN}),
            "🕵️ uprobe  node-a /sbin/init /bin/bash readline() = \"ls -l\" [p]\n");
  EXPECT_EQ(of(uprobe, {}, {}), "🕵️ uprobe  node-a /sbin/init /bin/bash readline() [p]\n");
  uprobe.function.clear();
  uprobe.offset = 4096;
  uprobe.data = {{0, "int", "errno"}};
  EXPECT_EQ(of(uprobe, {}, {{.value = 2}}), "🕵️ uprobe  node-a /sbin/init /bin/bash +4096() data(errno=2) [p]\n");
  policy::HookSpec usdt{.policy = "p", .kind = policy::HookKind::kUsdt, .subsystem = "app", .event = "start"};
  usdt.path = "/bin/app";
  usdt.args = {{0, "int", "code"}};
  EXPECT_EQ(of(usdt, {}, {{.value = 3}}), "🕵️ usdt    node-a /sbin/init /bin/app app:start(code=3) [p]\n");
  fixture_.feed(test::make_loader(1, 10, "/lib/x.so", "\xab\xcd"));
  EXPECT_EQ(last(), "🧬 loader  node-a /sbin/init /lib/x.so abcd");
}

TEST_F(CompactTest, VerdictsAreWhatHappened) {
  start();
  const policy::HookSpec spec{.policy = "p", .function = "f"};
  const policy::SelectorInfo both{.actions = TRIGON_ACT_SIGNAL | TRIGON_ACT_OVERRIDE, .signal = 9, .error = -13};
  const auto verdict = [&](const policy::SelectorInfo& info, const test::HookExtras& extras) {
    const std::string line = of(spec, info, {}, extras);
    const size_t from = line.find("f()") + 3;
    return line.substr(from, line.find(" [p]") - from);
  };
  EXPECT_EQ(verdict(both, {.flags = TRIGON_HOOK_SIGNALLED | TRIGON_HOOK_OVERRIDDEN, .error = -1}), " SIGKILL EPERM");
  EXPECT_EQ(verdict(both, {.flags = TRIGON_HOOK_MONITORED}), " would send SIGKILL would fail with EACCES");
  EXPECT_EQ(verdict(both, {}), "");
  EXPECT_EQ(verdict(both, {.signal_error = -3}), " SIGKILL failed with ESRCH");
  EXPECT_EQ(verdict({}, {.flags = TRIGON_HOOK_SIGNALLED | TRIGON_HOOK_MONITORED}), "");  // another policy's
  EXPECT_EQ(verdict({.actions = TRIGON_ACT_ENFORCER}, {.flags = TRIGON_HOOK_OVERRIDDEN, .error = -999}), " 999");
  EXPECT_EQ(verdict({}, {.flags = TRIGON_HOOK_ENTRY_LOST}), " (entry lost)");
}

TEST_F(CompactTest, StacksAreIndentedUnderTheEvent) {
  test::FakeResolver resolver;
  start({.stacks = {&resolver, true}});
  const policy::HookSpec spec{.policy = "p", .function = "f"};
  const test::HookExtras stacks{.kernel_stack = {0x1012, 1}, .user_stack = {0x2001, 0x1bc0, 2}};
  EXPECT_EQ(of(spec, {.actions = TRIGON_ACT_KSTACK | TRIGON_ACT_USTACK}, {}, stacks),
            "❓ kprobe  node-a /sbin/init f() [p]\n"
            "Kernel:\n"
            "   0x0000000000001012: security_file_open+0x12\n"
            "   0x0000000000000001: ?\n"
            "User:\n"
            "   0x0000000000002001: main (\"/usr/bin/a b\"+0x1001)\n"
            "   0x0000000000001bc0: ? (\"/usr/bin/a b\"+0xbc0)\n"
            "   0x0000000000000002: ?\n");
  EXPECT_EQ(of(spec, {.actions = TRIGON_ACT_KSTACK}, {}, {.kernel_stack = {0x1012}, .user_stack = {1}}),
            "❓ kprobe  node-a /sbin/init f() [p]\nKernel:\n   0x0000000000001012: security_file_open+0x12\n");
  EXPECT_EQ(of(spec, {}, {}, stacks), "❓ kprobe  node-a /sbin/init f() [p]\n");
}

TEST_F(CompactTest, AddressesOnlyWhenAsked) {
  start();
  EXPECT_EQ(of({.policy = "p", .function = "f"}, {.actions = TRIGON_ACT_KSTACK}, {}, {.kernel_stack = {0x1012}}),
            "❓ kprobe  node-a /sbin/init f() [p]\nKernel:\n   ?\n");
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
