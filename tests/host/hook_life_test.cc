// The life of policies that have hooks of their own: they appear, change under load and go; one that cannot be had
// stops no other; the metrics say how each is.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "hook_case.h"

namespace trigon::host {
namespace {

// A hook that every kernel here has: that of the functions where there are any, else one in user space.
std::string entry(const std::string& arguments, const std::string& filter) {
  return "path: " + trigger("objects") + ", symbols: [probed_count], args: [" + arguments +
         "], selectors: [{matchArgs: [" + filter + "]}]";
}
constexpr char kOne[] = "{index: 0, type: uint64}", kThree[] =
                                                        "{index: 2, type: int}, {index: 0, type: uint64}, "
                                                        "{index: 1, type: string}";
constexpr char kAll[] = "{index: 0, operator: GT, values: [0]}";

// The numbers that a policy's events carry, each with how often it came.
std::map<uint64_t, int> numbers_of(const Events& events, const std::string& policy, pid_t pid) {
  std::map<uint64_t, int> numbers;
  for (const Json& event : events.hooks(policy, pid)) {
    for (const Json& arg : event.at("args")) {
      if (arg.contains("size_arg")) ++numbers[std::stoull(arg.at("size_arg").get<std::string>())];
    }
  }
  return numbers;
}

// A file that is complete as soon as it is seen.
void put(const Folder& folder, const std::string& name, const std::string& text) {
  const std::string hidden = folder.write(name + ".new", text);
  std::filesystem::rename(hidden, folder.file(name));
}

std::string http_get(uint16_t port, const std::string& path) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 &&
      ::write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    for (ssize_t n; (n = ::read(fd, buffer, sizeof(buffer))) > 0;) answer.append(buffer, static_cast<size_t>(n));
  }
  ::close(fd);
  return answer;
}

// The value of a line of the metrics that has all these words; -1.
double metric(const std::string& text, std::initializer_list<const char*> words) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    bool all = line[0] != '#';
    for (const char* word : words) all = all && line.find(word) != std::string::npos;
    if (all) return std::stod(line.substr(line.rfind(' ')));
  }
  return -1;
}

class HookLife : public HostTest {
 protected:
  void SetUp() override {
    HostTest::SetUp();
    if (IsSkipped()) return;
    if (const std::string why = why_not_here("uprobe"); !why.empty()) GTEST_SKIP() << why;
  }
  // Why a policy in user space cannot be added to a running agent.
  static std::string why_no_probe_later() {
    const std::string why = why_not_here("uprobe_multi");
    return why.empty() ? why : why + "; any other uprobe needs CAP_SYS_ADMIN, which a running agent has given up";
  }
  // Reads the agent's messages until they have this.
  static bool wait_for_message(Agent& agent, const std::string& text, size_t from) {
    return agent.wait_for([&](const Events&) { return agent.error_text().find(text, from) != std::string::npos; },
                          Seconds(patience(10)));
  }
};

// While a process counts, its policy is replaced: by one with more arguments on the same hook, by one with fewer, by
// the same. No number is missing and none comes twice.
TEST_F(HookLife, ReplacedUnderLoad) {
  if (const std::string why = why_no_probe_later(); !why.empty()) GTEST_SKIP() << why;
  Folder folder;
  folder.write("count.yaml", flow_policy("count", "uprobes", entry(kOne, kAll)));
  Agent agent({"--tracing-policy-dir", folder.path()});
  ASSERT_EQ(agent.problem(), "");
  CommandOptions options;
  options.hold_input = true;
  Command counter({trigger("objects"), "count"}, options);
  const auto counts = [&](const Events& events) { return events.hooks("count", counter.pid()).size() > 20; };
  ASSERT_TRUE(agent.wait_for(counts, Seconds(patience(10)))) << agent.error_text();
  const std::string kinds[] = {entry(kThree, kAll), entry(kOne, kAll), entry(kThree, kAll),
                               entry(kOne, "{index: 0, operator: NotEqual, values: [0]}"), entry(kThree, kAll)};
  for (const std::string& kind : kinds) {
    const size_t before = agent.error_text().size();
    put(folder, "count.yaml", flow_policy("count", "uprobes", kind));
    ASSERT_TRUE(wait_for_message(agent, "in force", before)) << agent.error_text();
  }
  counter.close_input();
  const Finished done = counter.wait(Seconds(patience(30)));
  ASSERT_EQ(done.exit_code, 0);
  ASSERT_TRUE(agent.sync());
  const uint64_t counted = done.fact("count").at("counted").get<uint64_t>();
  const auto numbers = numbers_of(agent.events(), "count", counter.pid());
  EXPECT_EQ(numbers.size(), counted);
  for (const auto& [number, times] : numbers) ASSERT_EQ(times, 1) << "number " << number << " of " << counted;
  std::set<size_t> shapes;
  for (const Json& event : agent.events().hooks("count", counter.pid())) shapes.insert(event.at("args").size());
  EXPECT_EQ(shapes, (std::set<size_t>{1, 3}));
  EXPECT_EQ(agent.stop().exit_code, 0);
  EXPECT_TRUE(agent.books().add_up()) << agent.books().text();
  EXPECT_EQ(agent.books().lost, 0u);
}

TEST_F(HookLife, AppearAndGo) {
  if (const std::string why = why_no_probe_later(); !why.empty()) GTEST_SKIP() << why;
  Folder folder;
  Agent agent({"--tracing-policy-dir", folder.path()});
  ASSERT_EQ(agent.problem(), "");
  const auto asked = [&](const char* policy) {
    const Finished done = agent.run({"objects", "probes"});
    return agent.events().hooks(policy, done.pid).size();
  };
  const std::string probe =
      "path: " + trigger("objects") + ", symbols: [probed_narrow], args: [{index: 0, type: int8}]";
  EXPECT_EQ(asked("one"), 0u);
  size_t before = agent.error_text().size();
  put(folder, "one.yaml", flow_policy("one", "uprobes", probe));
  ASSERT_TRUE(wait_for_message(agent, "in force", before)) << agent.error_text();
  EXPECT_EQ(asked("one"), 1u);
  // A second at the same place, and the first goes.
  before = agent.error_text().size();
  put(folder, "two.yaml", flow_policy("two", "uprobes", probe));
  ASSERT_TRUE(wait_for_message(agent, "in force", before)) << agent.error_text();
  before = agent.error_text().size();
  std::filesystem::remove(folder.file("one.yaml"));
  ASSERT_TRUE(wait_for_message(agent, "gone", before)) << agent.error_text();
  EXPECT_EQ(asked("one"), 0u);
  EXPECT_EQ(asked("two"), 1u);
  EXPECT_EQ(agent.stop().exit_code, 0);
}

TEST_F(HookLife, OneFailureStopsNoOther) {
  Folder folder;
  const std::string good = "path: " + trigger("objects") + ", symbols: [probed_narrow], args: [{index: 0, type: int8}]";
  folder.write("good.yaml", flow_policy("good", "uprobes", good));
  folder.write("no-symbol.yaml",
               flow_policy("no-symbol", "uprobes", "path: " + trigger("objects") + ", symbols: [no_such_symbol]"));
  folder.write("no-function.yaml", flow_policy("no-function", "kprobes", "call: no_such_function, syscall: false"));
  folder.write("no-point.yaml", flow_policy("no-point", "tracepoints", "subsystem: sched, event: no_such_event"));
  folder.write("broken.yaml", flow_policy("broken", "uprobes", "symbols: [probed_narrow]"));
  Agent agent({"--tracing-policy-dir", folder.path()});
  ASSERT_EQ(agent.problem(), "");
  const Finished done = agent.run({"objects", "probes"});
  EXPECT_EQ(agent.events().hooks("good", done.pid).size(), 1u);
  EXPECT_EQ(failure_of(agent, "good"), "");
  EXPECT_NE(failure_of(agent, "no-symbol").find("no_such_symbol"), std::string::npos) << agent.error_text();
  EXPECT_NE(failure_of(agent, "no-function"), "") << agent.error_text();
  EXPECT_NE(failure_of(agent, "no-point").find("no_such_event"), std::string::npos) << agent.error_text();
  EXPECT_NE(failure_of(agent, "broken").find("path"), std::string::npos) << agent.error_text();
  EXPECT_EQ(agent.stop().exit_code, 0);
}

TEST_F(HookLife, MetricsOfEachPolicy) {
  constexpr uint16_t kPort = 47114;
  Folder folder;
  const auto signal = [](const char* name, const char* options) {
    return flow_policy(name, "kprobes",
                       "call: sys_getsid, args: [{index: 0, type: int}], selectors: [{matchArgs: [{index: 0, operator: "
                       "Equal, values: [-85]}], matchActions: [{action: Signal, argSig: 23}]}]",  // SIGURG, ignored
                       options);
  };
  folder.write("enforced.yaml", signal("enforced", ""));
  folder.write("watched.yaml", signal("watched", "options: [{name: policy-mode, value: monitor}], "));
  folder.write("missing.yaml", flow_policy("missing", "uprobes", "path: /nowhere/at/all, symbols: [main]"));
  Agent agent({"--tracing-policy-dir", folder.path(), "--metrics-server", "127.0.0.1:" + std::to_string(kPort)});
  ASSERT_EQ(agent.problem(), "");
  const Finished done = agent.run({"call", "124", "-85", ",", "124", "-85"});
  ASSERT_EQ(done.exit_code, 0);
  const std::string text = http_get(kPort, "/metrics");
  EXPECT_EQ(metric(text, {"trigon_policies "}), 2) << text;
  EXPECT_EQ(metric(text, {"trigon_policy_state{", "policy=\"enforced\"", "mode=\"enforce\""}), 1) << text;
  EXPECT_EQ(metric(text, {"trigon_policy_state{", "policy=\"watched\"", "mode=\"monitor\""}), 1) << text;
  EXPECT_EQ(metric(text, {"trigon_policy_state{", "policy=\"missing\"", "state=\"error\""}), 1) << text;
  for (const char* policy : {"policy=\"enforced\"", "policy=\"watched\""}) {
    EXPECT_EQ(metric(text, {"trigon_policy_matches_total{", policy}), 2) << text;
    EXPECT_EQ(metric(text, {"trigon_policy_posts_total{", policy}), 2) << text;
  }
  EXPECT_EQ(metric(text, {"trigon_policy_enforced_total{", "enforced\""}), 2) << text;
  EXPECT_EQ(metric(text, {"trigon_policy_enforced_total{", "watched\""}), 0) << text;
  EXPECT_EQ(metric(text, {"trigon_policy_monitored_total{", "watched\""}), 2) << text;
  EXPECT_EQ(agent.stop().exit_code, 0);
}

}  // namespace
}  // namespace trigon::host
