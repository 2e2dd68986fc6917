// What policies do at hooks: refuse before the effect, kill, only watch, tell seldom, tell the way there.
#include <signal.h>

#include "hook_case.h"

namespace trigon::host {
namespace {

constexpr char kGetsid[] = "124", kOpenat[] = "257";

std::string getsid_policy(const std::string& name, int number, const std::string& action) {
  return flow_policy(name, "kprobes",
                     "call: sys_getsid, args: [{index: 0, type: int}], selectors: [{matchArgs: [{index: 0, operator: "
                     "Equal, values: [" +
                         std::to_string(number) + "]}], matchActions: [{" + action + "}]}]");
}

class HookActions : public HostTest {};

TEST_F(HookActions, RateLimits) {
  const auto limited = [](const char* scope) {
    return "action: Post, rateLimit: 1h, rateLimitScope: " + std::string(scope);
  };
  Agent agent({}, {getsid_policy("thread", -81, limited("thread")), getsid_policy("process", -81, limited("process")),
                   getsid_policy("global", -81, limited("global")), getsid_policy("each", -81, "action: Post")});
  ASSERT_EQ(agent.problem(), "");
  pid_t pids[2];
  for (pid_t& pid : pids) pid = run({trigger("call"), kGetsid, "-81", ",", kGetsid, "-81", ",", kGetsid, "-81"}).pid;
  ASSERT_TRUE(agent.sync());
  for (const pid_t pid : pids) {
    EXPECT_EQ(agent.events().hooks("each", pid).size(), 3u);
    EXPECT_EQ(agent.events().hooks("thread", pid).size(), 1u);
    EXPECT_EQ(agent.events().hooks("process", pid).size(), 1u);
  }
  EXPECT_EQ(agent.events().hooks("global").size(), 1u);
  EXPECT_EQ(agent.events().hooks("global", pids[0]).size(), 1u);
}

TEST_F(HookActions, StacksNameTheFunctions) {
  Agent agent({}, {getsid_policy("stacks", -80, "action: Post, kernelStackTrace: true, userStackTrace: true")});
  ASSERT_EQ(agent.problem(), "");
  // It stays while its memory map is read.
  CommandOptions options;
  options.hold_input = true;
  Command command({trigger("objects"), "stack", "wait"}, options);
  const auto told = [&](const Events& events) { return !events.hooks("stacks", command.pid()).empty(); };
  ASSERT_TRUE(agent.wait_for(told, Seconds(patience(5))));
  command.close_input();
  EXPECT_EQ(command.wait(Seconds(patience(20))).exit_code, 0);
  const auto hooks = agent.events().hooks("stacks");
  ASSERT_EQ(hooks.size(), 1u);
  const auto symbols = [&](const char* stack) {
    std::string all;
    const Json frames = at(hooks[0], {stack});
    if (!frames.is_array()) return all;
    for (const Json& frame : frames) all += frame.value("symbol", "?") + " ";
    return all;
  };
  // Who has no frame of its own hides its caller; the others are all there.
  EXPECT_TRUE(symbols("user_stack_trace").starts_with("stack_inner ")) << symbols("user_stack_trace");
  EXPECT_TRUE(has_word(symbols("user_stack_trace"), "main")) << symbols("user_stack_trace");
#if defined(__x86_64__)
  EXPECT_TRUE(has_word(symbols("kernel_stack_trace"), "do_syscall_64")) << symbols("kernel_stack_trace");
#endif
  EXPECT_EQ(text_at(at(hooks[0], {"user_stack_trace"})[0], {"module"}), trigger("objects"));
}

// Opening with O_TRUNC: what a refusal that comes too late would have lost is the file's content.
class HookRefusals : public HostTest {
 protected:
  static constexpr char kWriteTruncate[] = "0x201";

  static std::string open_policy(const std::string& name, const std::string& section, const std::string& hook,
                                 const std::string& path, const std::string& action, const std::string& options = "") {
    return flow_policy(name, section,
                       hook +
                           ", args: [{index: 0, type: file}], selectors: [{matchArgs: [{index: 0, operator: Equal, "
                           "values: [" +
                           path + "]}], matchActions: [{" + action + "}]}]",
                       options);
  }
};

TEST_F(HookRefusals, ComeBeforeTheEffect) {
  if (const std::string why = why_not_here("lsm"); !why.empty()) GTEST_SKIP() << why;
  Folder folder;
  const std::string by_hook = folder.write("by-hook", "kept"), by_function = folder.write("by-function", "kept");
  const std::string watched = folder.write("watched", "lost"), free = folder.write("free", "lost");
  const std::string killed = folder.write("killed", "kept");
  const std::string function = "call: security_file_open, syscall: false";
  Agent agent({}, {open_policy("by-hook", "lsmhooks", "hook: file_open", by_hook, "action: Override, argError: -13"),
                   open_policy("by-function", "kprobes", function, by_function, "action: Override, argError: -1"),
                   open_policy("watched", "lsmhooks", "hook: file_open", watched, "action: Override, argError: -1",
                               "options: [{name: policy-mode, value: monitor}], "),
                   open_policy("killed", "lsmhooks", "hook: file_open", killed, "action: Sigkill")});
  ASSERT_EQ(agent.problem(), "");
  const auto result = [&](const std::string& path) {
    const Finished done = agent.run({"call", kOpenat, "-100", "s:" + path, kWriteTruncate});
    return done.signal != 0 ? Json(done.signal) : at(done.fact("call"), {"result"});
  };
  EXPECT_EQ(result(by_hook), -13);
  EXPECT_EQ(result(by_function), -1);
  EXPECT_EQ(result(watched), 3);
  EXPECT_EQ(result(free), 3);
  EXPECT_EQ(result(killed), SIGKILL);
  const auto of = [&](const char* policy) { return agent.events().hooks(policy); };
  ASSERT_EQ(of("by-hook").size(), 1u);
  EXPECT_EQ(text_at(of("by-hook")[0], {"action"}), "KPROBE_ACTION_OVERRIDE");
  EXPECT_EQ(at(of("by-hook")[0], {"trigon", "error"}), -13);
  EXPECT_EQ(text_at(of("by-hook")[0], {"function_name"}), "file_open");
  ASSERT_EQ(of("by-function").size(), 1u);
  EXPECT_EQ(text_at(of("by-function")[0], {"function_name"}), "security_file_open");
  ASSERT_EQ(of("watched").size(), 1u);
  EXPECT_EQ(text_at(of("watched")[0], {"action"}), "KPROBE_ACTION_POST");
  ASSERT_EQ(of("killed").size(), 1u);
  EXPECT_EQ(text_at(of("killed")[0], {"action"}), "KPROBE_ACTION_SIGKILL");
  // Nobody is refused any more, this test neither.
  EXPECT_EQ(agent.stop().exit_code, 0);
  EXPECT_EQ(read_file(by_hook), "kept");
  EXPECT_EQ(read_file(by_function), "kept");
  EXPECT_EQ(read_file(watched), "");
  EXPECT_EQ(read_file(free), "");
}

// Where nothing can refuse, such a policy is not loaded, and says why.
TEST_F(HookRefusals, AreSaidToBeImpossibleWhereTheyAre) {
  if (why_not_here("lsm").empty()) GTEST_SKIP() << "this kernel has BPF LSM";
  Folder folder;
  folder.write("refuse.yaml",
               open_policy("refuse", "lsmhooks", "hook: file_open", "/nowhere", "action: Override, argError: -1"));
  Agent agent({"--tracing-policy-dir", folder.path()});
  ASSERT_EQ(agent.problem(), "");
  EXPECT_NE(failure_of(agent, "refuse").find("LSM"), std::string::npos) << agent.error_text();
}

}  // namespace
}  // namespace trigon::host
