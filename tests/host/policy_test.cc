// What policies do to real processes: kill, signal, tell, or keep quiet.
#include <signal.h>
#include <unistd.h>

#include "fixture.h"

namespace trigon::host {
namespace {

std::string kill_policy(const std::string& path) {
  return R"(
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: no-secrets}
spec:
  kprobes:
  - call: sys_openat
    syscall: true
    message: a secret was asked for
    tags: [secrets]
    args:
    - {index: 0, type: int}
    - {index: 1, type: string, label: path}
    - {index: 2, type: int}
    selectors:
    - matchArgs:
      - {index: 1, operator: Equal, values: [")" +
         path + R"("]}
      matchActions:
      - action: Sigkill
)";
}

// Whether the kernel answered a call through int 0x80 (it may have no such entry, or no such table).
bool has_compat_calls(const Finished& done) {
  return done.signal != SIGSEGV && at(done.fact("call"), {"result"}) != -38;
}

class Policy : public HostTest {};

void expect_the_kill(const std::vector<Json>& hooks, const std::string& path, pid_t pid) {
  ASSERT_EQ(hooks.size(), 1u);
  const Json& event = hooks[0];
  EXPECT_EQ(at(event, {"process", "pid"}), pid);
  EXPECT_EQ(text_at(event, {"process", "binary"}), trigger("read_file"));
  EXPECT_EQ(text_at(event, {"function_name"}), "sys_openat");
  EXPECT_EQ(text_at(event, {"action"}), "KPROBE_ACTION_SIGKILL");
  EXPECT_EQ(text_at(event, {"message"}), "a secret was asked for");
  EXPECT_EQ(at(event, {"tags"}), Json({"secrets"}));
  const Json args = at(event, {"args"});
  ASSERT_EQ(args.size(), 3u) << event.dump();
  EXPECT_EQ(args[0], Json({{"int_arg", -100}}));
  EXPECT_EQ(args[1], Json({{"string_arg", path}, {"label", "path"}}));
  EXPECT_EQ(args[2], Json({{"int_arg", 0}}));
}

TEST_F(Policy, KillsForTheWholeMachine) {
  Folder folder;
  const std::string secret = folder.write("secret", "hidden"), other = folder.write("secrets", "open");
  Agent agent({}, {kill_policy(secret)});
  ASSERT_EQ(agent.problem(), "");
  const Finished first = agent.run({"read_file", other, secret, other});
  EXPECT_EQ(first.signal, SIGKILL);
  // The one before the secret was read, nothing after.
  ASSERT_EQ(first.facts("read").size(), 1u);
  EXPECT_EQ(first.fact("read").at("bytes"), 4);
  const Finished second = agent.run({"read_file", other, "/nonexistent"});
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_EQ(second.facts("read").size(), 2u);
  expect_the_kill(agent.events().hooks("no-secrets"), secret, first.pid);
  const Json exit = agent.events().exit(first.pid);
  EXPECT_EQ(text_at(exit, {"signal"}), "SIGKILL");
  EXPECT_EQ(agent.stop().exit_code, 0);
  EXPECT_TRUE(agent.books().add_up()) << agent.books().text();
  // Without the agent the file is only a file.
  EXPECT_EQ(run({trigger("read_file"), secret}).exit_code, 0);
}

TEST_F(Policy, TraceLooksAtTheCommandOnly) {
  Folder folder;
  const std::string secret = folder.write("secret", "hidden");
  // Somebody else opens the file all the time; nothing must happen to him.
  CommandOptions options;
  options.hold_input = true;
  Command other({trigger("call"), "-w", "257", "-100", "s:" + secret, "0"}, options);
  const Traced traced = trace({kill_policy(secret)}, {}, {trigger("read_file"), secret}, Seconds(patience(60)));
  EXPECT_EQ(traced.finished.exit_code, 128 + SIGKILL) << traced.finished.err;
  const auto hooks = traced.events.hooks("no-secrets");
  ASSERT_EQ(hooks.size(), 1u) << traced.finished.err;
  expect_the_kill(hooks, secret, at(hooks[0], {"process", "pid"}).get<pid_t>());
  EXPECT_TRUE(traced.books.add_up()) << traced.books.text();
  other.close_input();
  EXPECT_EQ(other.wait().exit_code, 0);
}

TEST_F(Policy, TraceLeavesOthersAlone) {
  Folder folder;
  const std::string secret = folder.write("secret", "hidden");
  CommandOptions options;
  options.hold_input = true;
  // A traced command that lasts as long as we hold its input.
  const std::string policy = folder.write("policy.yaml", kill_policy(secret)), output = folder.file("events.json");
  Command tracer(
      {trigon_binary(), "trace", "-p", policy, "-o", "json", "--output-file", output, "--", trigger("self"), "--pause"},
      options);
  ASSERT_TRUE(
      tracer.read_until([&] { return tracer.out().find("\"self\"") != std::string::npos; }, Seconds(patience(20))))
      << tracer.err();
  const Finished outsider = run({trigger("read_file"), secret});
  EXPECT_EQ(outsider.exit_code, 0);
  EXPECT_EQ(outsider.fact("read").value("bytes", 0), 6);
  tracer.close_input();
  EXPECT_EQ(tracer.wait(Seconds(patience(20))).exit_code, 0);
  Events events;
  events.add_lines(read_file(output));
  EXPECT_TRUE(events.hooks("no-secrets").empty());
}

TEST_F(Policy, TraceFollowsDescendants) {
  Folder folder;
  const std::string secret = folder.write("secret", "hidden");
  const Traced traced = trace({kill_policy(secret)}, {},
                              {"/bin/sh", "-c", "(" + trigger("read_file") + " " + secret + "; exit 5) & wait; exit 3"},
                              Seconds(patience(60)));
  EXPECT_EQ(traced.finished.exit_code, 3) << traced.finished.err;
  EXPECT_EQ(traced.events.hooks("no-secrets").size(), 1u);
}

TEST_F(Policy, TraceExecShowsTheCommandOnly) {
  const Finished done =
      run({trigon_binary(), "trace", "exec", "-o", "json", "--", trigger("vfork_exec")}, {}, Seconds(patience(60)));
  EXPECT_EQ(done.exit_code, 0) << done.err;
  Events events;
  for (const Json& fact : done.facts()) {
    if (!fact.contains("fact")) events.add_lines(fact.dump());
  }
  EXPECT_EQ(events.of_kind("process_exec").size(), 2u) << done.out;
  EXPECT_EQ(events.of_kind("process_exit").size(), 2u) << done.out;
  EXPECT_TRUE(Books::parse(done.err).add_up()) << done.err;
}

// One agent with all that does not kill.
class Actions : public SharedAgentTest {
 protected:
  static constexpr char kPolicies[] = R"(
apiVersion: trigon.dev/v1alpha1
kind: TracingPolicy
metadata: {name: quiet}
spec:
  kprobes:
  - call: sys_getpgid
    args: [{index: 0, type: int}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: [7001]}]
      matchActions: [{action: NoPost}]
    - matchArgs: [{index: 0, operator: LT, values: [7010]}, {index: 0, operator: GT, values: [7000]}]
)";
  static constexpr char kSignal[] = R"(
apiVersion: trigon.dev/v1alpha1
kind: TracingPolicy
metadata: {name: wake}
spec:
  kprobes:
  - call: sys_getpgid
    args: [{index: 0, type: int}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: [7100]}]
      matchActions: [{action: Signal, argSig: 10}]
)";
  static constexpr char kQuietKill[] = R"(
apiVersion: trigon.dev/v1alpha1
kind: TracingPolicy
metadata: {name: silence}
spec:
  kprobes:
  - call: sys_getpgid
    args: [{index: 0, type: int}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: [7200]}]
      matchActions: [{action: Sigkill}, {action: NoPost}]
)";
  static constexpr char kTracepoint[] = R"(
apiVersion: trigon.dev/v1alpha1
kind: TracingPolicy
metadata: {name: point}
spec:
  tracepoints:
  - subsystem: syscalls
    event: sys_enter_getpgid
    args: [{index: 5, type: int}]
    selectors:
    - matchArgs: [{index: 5, operator: Equal, values: [7300]}]
)";
  static constexpr char kRaw[] = R"(
apiVersion: trigon.dev/v1alpha1
kind: TracingPolicy
metadata: {name: raw}
spec:
  tracepoints:
  - subsystem: raw_syscalls
    event: sys_enter
    args: [{index: 4, type: syscall64}]
    selectors:
    - matchArgs: [{index: 4, operator: Equal, values: [124, 0x80000084]}]
      matchBinaries: [{operator: Postfix, values: [/call]}]
)";
  static void SetUpTestSuite() { start({}, {kPolicies, kSignal, kQuietKill, kTracepoint, kRaw}); }

  static std::string getpgid() { return "121"; }
};

TEST_F(Actions, NoPostAndTheFirstSelectorThatMatches) {
  RUN_TRIGGER(done,
              {"call", getpgid(), "7001", ",", getpgid(), "7002", ",", getpgid(), "7009", ",", getpgid(), "7010"});
  EXPECT_EQ(done.exit_code, 0);
  const auto hooks = agent().events().hooks("quiet", done.pid);
  ASSERT_EQ(hooks.size(), 2u);
  EXPECT_EQ(hooks[0].at("args"), Json::array({{{"int_arg", 7002}}}));
  EXPECT_EQ(hooks[1].at("args"), Json::array({{{"int_arg", 7009}}}));
  EXPECT_EQ(text_at(hooks[0], {"action"}), "KPROBE_ACTION_POST");
}

TEST_F(Actions, Signal) {
  RUN_TRIGGER(done, {"call", getpgid(), "7099", ",", getpgid(), "7100", ",", getpgid(), "7101"});
  EXPECT_EQ(done.signal, SIGUSR1);
  const auto hooks = agent().events().hooks("wake", done.pid);
  ASSERT_EQ(hooks.size(), 1u);
  EXPECT_EQ(text_at(hooks[0], {"action"}), "KPROBE_ACTION_SIGNAL");
  EXPECT_EQ(text_at(agent().events().exit(done.pid), {"signal"}), "SIGUSR1");
}

TEST_F(Actions, KillWithoutAWord) {
  RUN_TRIGGER(done, {"call", getpgid(), "7200"});
  EXPECT_EQ(done.signal, SIGKILL);
  EXPECT_TRUE(done.facts("call").empty());
  EXPECT_TRUE(agent().events().hooks("silence", done.pid).empty());
}

TEST_F(Actions, TracepointOfOneCall) {
  RUN_TRIGGER(done, {"call", getpgid(), "7300", ",", getpgid(), "7301"});
  const auto hooks = agent().events().hooks("point", done.pid);
  ASSERT_EQ(hooks.size(), 1u);
  EXPECT_EQ(text_at(hooks[0], {"subsys"}), "syscalls");
  EXPECT_EQ(text_at(hooks[0], {"event"}), "sys_enter_getpgid");
  EXPECT_EQ(hooks[0].at("args"), Json::array({{{"int_arg", 7300}}}));
}

TEST_F(Actions, TracepointOfAllCalls) {
  RUN_TRIGGER(done, {"call", "124", "0", ",", getpgid(), "1"});  // getsid
  const auto hooks = agent().events().hooks("raw", done.pid);
  ASSERT_EQ(hooks.size(), 1u);
  EXPECT_EQ(text_at(hooks[0], {"subsys"}), "raw_syscalls");
  EXPECT_EQ(hooks[0].at("args"), Json::array({{{"syscall_id", {{"id", 124}, {"abi", "x64"}}}}}));
}

// The other entry: number 121 means something else there, and 132 is getpgid.
TEST_F(Actions, ThirtyTwoBitEntry) {
  RUN_TRIGGER(done, {"call", "-32", "132", "7300", ",", "132", "7002"});
  if (!has_compat_calls(done)) GTEST_SKIP() << "this kernel takes no 32-bit calls";
  // A policy on sys_getpgid is about the native call; the raw tracepoint sees both.
  EXPECT_TRUE(agent().events().hooks("point", done.pid).empty());
  const auto hooks = agent().events().hooks("raw", done.pid);
  ASSERT_EQ(hooks.size(), 2u);
  EXPECT_EQ(hooks[0].at("args"), Json::array({{{"syscall_id", {{"id", 132}, {"abi", "i386"}}}}}));
}

TEST_F(Policy, ThirtyTwoBitCallsCanBeForbidden) {
  Folder folder;
  const std::string secret = folder.write("secret", "hidden");
  std::string policy = kill_policy(secret);
  policy.replace(policy.find("sys_openat"), 10, "i386/sys_openat");
  Agent agent({}, {policy});
  ASSERT_EQ(agent.problem(), "");
  const Finished native = agent.run({"call", "257", "-100", "s:" + secret, "0"});
  EXPECT_EQ(native.exit_code, 0);
  const Finished other = agent.run({"call", "-32", "295", "-100", "s:" + secret, "0"});
  if (!has_compat_calls(other)) GTEST_SKIP() << "this kernel takes no 32-bit calls";
  EXPECT_EQ(other.signal, SIGKILL);
}

}  // namespace
}  // namespace trigon::host
