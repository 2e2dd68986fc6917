// Every operator of matchArgs, matchBinaries and matchPIDs, on real system calls: each policy says which of a row of
// calls it wants, and must get those and no others.
#include <fmt/format.h>
#include <unistd.h>

#include <set>

#include "fixture.h"

namespace trigon::host {
namespace {

// getpgid and personality take any number and do no harm; openat of names that do not exist neither.
constexpr int kGetpgid = 121, kOpenat = 257, kLseek = 8, kWrite = 1, kConnect = 42, kGetsid = 124;

std::string policy(const std::string& name, const std::string& call, const std::string& args,
                   const std::string& selector) {
  return fmt::format(
      "apiVersion: trigon.dev/v1alpha1\nkind: TracingPolicy\nmetadata: {{name: {}}}\nspec:\n  kprobes:\n"
      "  - call: {}\n    args: [{}]\n    selectors:\n    - {}\n",
      name, call, args, selector);
}

struct Case {
  std::string name;      // of the policy
  std::string selector;  //
  std::set<std::string> expected;
};

// A row of calls of one system call, and what each policy must see of it.
class Operators : public SharedAgentTest {
 protected:
  static void SetUpTestSuite() {
    std::vector<std::string> policies;
    for (const Case& one : numbers()) {
      policies.push_back(policy(one.name, "sys_lseek", "{index: 0, type: int}, {index: 1, type: int64}", one.selector));
    }
    for (const Case& one : strings()) {
      policies.push_back(
          policy(one.name, "sys_openat", "{index: 0, type: int}, {index: 1, type: string}", one.selector));
    }
    for (const Case& one : binaries()) {
      policies.push_back(policy(one.name, "sys_getsid", "{index: 0, type: int}", one.selector));
    }
    policies.push_back(
        policy("shown", "sys_write",
               "{index: 0, type: fd}, {index: 1, type: char_buf, sizeArgIndex: 3}, {index: 2, type: size_t}",
               "matchArgs: [{index: 0, operator: Postfix, values: [/shown]}]"));
    policies.push_back(policy("called", "sys_connect", "{index: 0, type: int}, {index: 1, type: sockaddr}",
                              "matchArgs: [{index: 0, operator: Equal, values: [-5]}]"));
    policies.push_back(policy("unsigned", "sys_getpgid", "{index: 0, type: uint32}",
                              "matchArgs: [{index: 0, operator: GT, values: [4294967000]}]"));
    start({}, policies);
  }

  // Descriptor -1 marks the calls of this test; the offset is the value under test.
  static std::vector<Case> numbers() {
    const std::string ours = "{index: 0, operator: Equal, values: [-1]}";
    const auto match = [&](const std::string& filter) { return "matchArgs: [" + ours + ", " + filter + "]"; };
    return {
        {"n-equal", match("{index: 1, operator: Equal, values: [5, 0x10]}"), {"5", "16"}},
        {"n-not-equal", match("{index: 1, operator: NotEqual, values: [5, 16, 0]}"), {"-7", "4294967301", "1000"}},
        {"n-gt", match("{index: 1, operator: GT, values: [5]}"), {"16", "1000", "4294967301"}},
        {"n-lt", match("{index: 1, operator: LT, values: [5]}"), {"-7", "0"}},
        {"n-negative", match("{index: 1, operator: LT, values: [-1]}"), {"-7"}},
        {"n-mask", match("{index: 1, operator: Mask, values: [0x10, 0x8]}"), {"16", "1000", "-7"}},
        {"n-both", match("{index: 1, operator: GT, values: [0]}, {index: 1, operator: LT, values: [17]}"), {"5", "16"}},
        {"n-never", match("{index: 1, operator: Equal, values: [6]}"), {}}};
  }

  static std::vector<Case> strings() {
    const std::string ours = "{index: 0, operator: Equal, values: [-1]}";
    const auto match = [&](const std::string& filter) { return "matchArgs: [" + ours + ", " + filter + "]"; };
    return {
        {"s-equal", match("{index: 1, operator: Equal, values: [/tri/one, tri]}"), {"/tri/one", "tri"}},
        {"s-not-equal",
         match("{index: 1, operator: NotEqual, values: [/tri/one, tri]}"),
         {"/tri/one/more", "/tri/on", "/other/one", ""}},
        {"s-prefix", match("{index: 1, operator: Prefix, values: [/tri/]}"), {"/tri/one", "/tri/one/more", "/tri/on"}},
        {"s-not-prefix", match("{index: 1, operator: NotPrefix, values: [/tri/]}"), {"tri", "/other/one", ""}},
        {"s-postfix", match("{index: 1, operator: Postfix, values: [one]}"), {"/tri/one", "/other/one"}},
        {"s-not-postfix",
         match("{index: 1, operator: NotPostfix, values: [one]}"),
         {"/tri/one/more", "/tri/on", "tri", ""}},
        {"s-two",
         match("{index: 1, operator: Prefix, values: [/tri]}, {index: 1, operator: Postfix, values: [e]}"),
         {"/tri/one", "/tri/one/more"}}};
  }

  static std::vector<Case> binaries() {
    const std::string ours = "matchArgs: [{index: 0, operator: Equal, values: [-9]}]\n      matchBinaries: ";
    const std::string call = trigger("call"), folder = call.substr(0, call.rfind('/') + 1);
    return {{"b-in", ours + "[{operator: In, values: [" + call + "]}]", {"yes"}},
            {"b-in-other", ours + "[{operator: In, values: [/bin/none, " + folder + "self]}]", {}},
            {"b-not-in", ours + "[{operator: NotIn, values: [/bin/none]}]", {"yes"}},
            {"b-not-in-it", ours + "[{operator: NotIn, values: [" + call + "]}]", {}},
            {"b-prefix", ours + "[{operator: Prefix, values: [" + folder + "]}]", {"yes"}},
            {"b-not-prefix", ours + "[{operator: NotPrefix, values: [" + folder + "]}]", {}},
            {"b-postfix", ours + "[{operator: Postfix, values: [/call]}]", {"yes"}},
            {"b-not-postfix", ours + "[{operator: NotPostfix, values: [/call]}]", {}}};
  }

  // The last argument of each event, as text.
  static std::set<std::string> seen(const std::string& name, pid_t pid) {
    std::set<std::string> values;
    for (const Json& hook : agent().events().hooks(name, pid)) {
      const Json& arg = hook.at("args").back();
      const Json& value = arg.begin().value();
      values.insert(value.is_string() ? value.get<std::string>() : value.dump());
    }
    return values;
  }
};

TEST_F(Operators, OnNumbers) {
  std::vector<std::string> words = {"call"};
  for (const char* value : {"-7", "0", "5", "16", "1000", "4294967301"}) {
    if (words.size() > 1) words.emplace_back(",");
    words.insert(words.end(), {std::to_string(kLseek), "-1", value});
  }
  // The same values with another descriptor are nobody's.
  words.insert(words.end(), {",", std::to_string(kLseek), "-2", "5"});
  RUN_TRIGGER(done, words);
  ASSERT_EQ(done.exit_code, 0);
  for (const Case& one : numbers()) EXPECT_EQ(seen(one.name, done.pid), one.expected) << one.name;
}

TEST_F(Operators, OnStrings) {
  std::vector<std::string> words = {"call"};
  for (const char* value : {"/tri/one", "/tri/one/more", "/tri/on", "tri", "/other/one", ""}) {
    if (words.size() > 1) words.emplace_back(",");
    words.insert(words.end(), {std::to_string(kOpenat), "-1", std::string("s:") + value, "0"});
  }
  RUN_TRIGGER(done, words);
  ASSERT_EQ(done.exit_code, 0);
  for (const Case& one : strings()) EXPECT_EQ(seen(one.name, done.pid), one.expected) << one.name;
}

// What cannot be read is unknown: no positive filter matches it; a negated one does, or hiding would be easy.
TEST_F(Operators, OnAnUnreadableString) {
  RUN_TRIGGER(done, {"call", std::to_string(kOpenat), "-1", "8", "0"});
  for (const Case& one : strings()) {
    const bool negated = one.name.find("not") != std::string::npos;
    EXPECT_EQ(agent().events().hooks(one.name, done.pid).size(), negated ? 1u : 0u) << one.name;
  }
}

TEST_F(Operators, OnBinaries) {
  RUN_TRIGGER(done, {"call", std::to_string(kGetsid), "-9"});
  for (const Case& one : binaries()) {
    EXPECT_EQ(agent().events().hooks(one.name, done.pid).size(), one.expected.size()) << one.name;
  }
}

TEST_F(Operators, ShowDescriptorsAndBuffers) {
  Folder folder;
  const std::string path = folder.file("shown");
  // openat O_CREAT|O_WRONLY gives the first free descriptor.
  RUN_TRIGGER(done, {"call", std::to_string(kOpenat), "-100", "s:" + path, "0x41", "0600", ",", std::to_string(kWrite),
                     "3", "b:00ff41", "3"});
  ASSERT_EQ(done.facts("call").size(), 2u);
  ASSERT_EQ(done.facts("call")[0].at("result"), 3);
  ASSERT_EQ(done.facts("call")[1].at("result"), 3);
  const auto hooks = agent().events().hooks("shown", done.pid);
  ASSERT_EQ(hooks.size(), 1u);
  const Json args = hooks[0].at("args");
  EXPECT_EQ(text_at(args[0], {"file_arg", "path"}), path);
  EXPECT_EQ(base64_decode(text_at(args[1], {"bytes_arg"})), std::string("\0\xff"
                                                                        "A",
                                                                        3));
  EXPECT_EQ(text_at(args[2], {"size_arg"}), "3");
}

TEST_F(Operators, ShowAddresses) {
  RUN_TRIGGER(done, {"call", std::to_string(kConnect), "-5", "a:4711", "16"});
  const auto hooks = agent().events().hooks("called", done.pid);
  ASSERT_EQ(hooks.size(), 1u);
  const Json expected = {{"family", "AF_INET"}, {"addr", "127.0.0.1"}, {"port", 4711}};
  EXPECT_EQ(at(hooks[0].at("args")[1], {"sockaddr_arg"}), expected);
}

TEST_F(Operators, UnsignedStaysUnsigned) {
  RUN_TRIGGER(done, {"call", std::to_string(kGetpgid), "-1", ",", std::to_string(kGetpgid), "7"});
  const auto hooks = agent().events().hooks("unsigned", done.pid);
  ASSERT_EQ(hooks.size(), 1u);
  EXPECT_EQ(hooks[0].at("args"), Json::array({{{"uint_arg", 4294967295u}}}));
}

// matchPIDs needs pids that exist before the policy does. With both ways of keeping process state.
class Pids : public HostTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(Pids, OfAProcessAndItsChildren) {
  CommandOptions options;
  options.hold_input = true;
  const std::string numbers = std::to_string(kGetsid);
  Command one({trigger("call"), "-w", numbers, "-9"}, options);
  Command other({trigger("call"), "-w", numbers, "-9"}, options);
  // A shell that starts a child: for followForks.
  Command shell({"/bin/sh", "-c", "read x; " + trigger("call") + " " + numbers + " -9; exit 0"}, options);
  const auto pid_policy = [&](const std::string& name, const std::string& filter) {
    return policy(name, "sys_getsid", "{index: 0, type: int}",
                  "matchArgs: [{index: 0, operator: Equal, values: [-9]}]\n      matchPIDs: [" + filter + "]");
  };
  std::vector<std::string> args;
  if (*GetParam() != 0) args.emplace_back(GetParam());
  Agent agent(args,
              {pid_policy("in", fmt::format("{{operator: In, values: [{}]}}", one.pid())),
               pid_policy("not-in", fmt::format("{{operator: NotIn, values: [{}]}}", one.pid())),
               pid_policy("inner", fmt::format("{{operator: In, values: [{}], isNamespacePID: true}}", one.pid())),
               pid_policy("follow", fmt::format("{{operator: In, values: [{}], followForks: true}}", shell.pid())),
               pid_policy("no-follow", fmt::format("{{operator: In, values: [{}]}}", shell.pid())),
               policy("binary", "sys_getsid", "{index: 0, type: int}",
                      "matchArgs: [{index: 0, operator: Equal, values: [-9]}]\n"
                      "      matchBinaries: [{operator: In, values: [" +
                          trigger("call") + "]}]")});
  ASSERT_EQ(agent.problem(), "");
  for (Command* command : {&one, &other, &shell}) {
    command->close_input();
    EXPECT_EQ(command->wait(Seconds(patience(20))).exit_code, 0);
  }
  ASSERT_TRUE(agent.sync());
  const Events& events = agent.events();
  EXPECT_EQ(events.hooks("in").size(), 1u);
  EXPECT_EQ(events.hooks("in", one.pid()).size(), 1u);
  EXPECT_EQ(events.hooks("not-in", one.pid()).size(), 0u);
  EXPECT_EQ(events.hooks("not-in", other.pid()).size(), 1u);
  EXPECT_EQ(events.hooks("inner", one.pid()).size(), 1u);
  EXPECT_EQ(events.hooks("follow").size(), 1u);
  EXPECT_EQ(events.hooks("no-follow").size(), 0u);
  EXPECT_EQ(events.hooks("binary").size(), 3u);
  EXPECT_EQ(agent.stop().exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(State, Pids, ::testing::Values("", "--no-task-storage"),
                         [](const auto& state) { return *state.param != 0 ? "HashMap" : "TaskStorage"; });

}  // namespace
}  // namespace trigon::host
