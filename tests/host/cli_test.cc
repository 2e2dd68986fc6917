// The command line: what good and bad input gets, and two agents at once.
#include <signal.h>
#include <unistd.h>

#include <regex>

#include "fixture.h"

namespace trigon::host {
namespace {

// Needs the binary, no root.
class CommandLine : public ::testing::Test {
 protected:
  void SetUp() override {
    // A failure, not a skip: a run without the binary has tested nothing.
    ASSERT_EQ(::access(trigon_binary().c_str(), X_OK), 0) << "there is no " << trigon_binary();
  }
  static Finished trigon(std::vector<std::string> words, CommandOptions options = {}) {
    words.insert(words.begin(), trigon_binary());
    return run(std::move(words), std::move(options), Seconds(patience(20)));
  }
};

constexpr char kGood[] = R"(apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: good
spec:
  kprobes:
  - call: sys_getpgid
    args: [{index: 0, type: int}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: [7001]}]
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

struct BadPolicy {
  const char* what;
  std::string text;
  std::string message;  // a regular expression behind file:line:column:
  int line;
};

std::vector<BadPolicy> bad_policies() {
  return {{"no YAML", "a: [b\nc: }", "", 0},
          {"unknown field", replaced(kGood, "selectors:", "selectorz:"), "`selectorz`.*selectors", 9},
          {"wrong type", replaced(kGood, "index: 0, type", "index: zero, type"), "expected", 8},
          {"unknown argument type", replaced(kGood, "type: int}", "type: itn}"), "`itn`.*`?int", 8},
          {"unknown system call", replaced(kGood, "sys_getpgid", "sys_getpgidd"), "sys_getpgid", 7},
          {"unknown operator", replaced(kGood, "Equal", "Equals"), "Equals.*Equal", 10},
          {"impossible value", replaced(kGood, "[7001]", "[99999999999999999999]"), "", 10},
          {"no such argument", replaced(kGood, "index: 0, operator", "index: 3, operator"), "", 10},
          {"unknown action", std::string(kGood) + "      matchActions: [{action: SigKil}]\n", "Sigkill", 11},
          {"empty", "", "", 0},
          {"binary",
           std::string("\x7f"
                       "ELF\x01\x02\x00\xff",
                       8),
           "", 0}};
}

void expect_refused(const Finished& done, const std::string& path, const BadPolicy& bad) {
  EXPECT_EQ(done.exit_code, 3) << bad.what << ": " << done.err;
  std::smatch where;
  const std::regex place("policy\\.yaml:([0-9]+):([0-9]+): (.*)");
  ASSERT_TRUE(std::regex_search(done.err, where, place)) << bad.what << " (" << path << "): " << done.err;
  if (bad.line != 0) {
    EXPECT_EQ(std::stoi(where[1]), bad.line) << bad.what << ": " << done.err;
  }
  EXPECT_TRUE(std::regex_search(where[3].str(), std::regex(bad.message))) << bad.what << ": " << done.err;
}

TEST_F(CommandLine, PolicyCheckNamesThePlace) {
  Folder folder;
  for (const BadPolicy& bad : bad_policies()) {
    const std::string path = folder.write("policy.yaml", bad.text);
    expect_refused(trigon({"policy", "check", path}), path, bad);
  }
}

TEST_F(CommandLine, PolicyCheckNeedsNoRoot) {
  Folder folder;
  const std::string path = folder.write("good.yaml", kGood);
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  CommandOptions options;
  options.in_child = [] { return ::geteuid() != 0 || (::setgid(65534) == 0 && ::setuid(65534) == 0); };
  const Finished done = trigon({"policy", "check", path}, options);
  if (done.exit_code == 127) GTEST_SKIP() << "nobody may not run " << trigon_binary();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_NE(done.out.find("good"), std::string::npos);
}

TEST_F(CommandLine, DuplicateNames) {
  Folder folder;
  const std::string one = folder.write("one.yaml", kGood), two = folder.write("two.yaml", kGood);
  const Finished done = trigon({"policy", "check", one, two});
  EXPECT_EQ(done.exit_code, 3) << done.err;
  EXPECT_TRUE(std::regex_search(done.err, std::regex("two\\.yaml:4:[0-9]+: .*good"))) << done.err;
}

TEST_F(CommandLine, UsageErrors) {
  EXPECT_EQ(trigon({"agnet"}).exit_code, 2);
  EXPECT_EQ(trigon({"agent", "--no-such-flag"}).exit_code, 2);
  EXPECT_EQ(trigon({"trace", "-o", "yaml", "exec"}).exit_code, 2);
  EXPECT_EQ(trigon({"policy", "check"}).exit_code, 2);
  EXPECT_EQ(trigon({"--help"}).exit_code, 0);
  const Finished missing = trigon({"policy", "check", "/nonexistent.yaml"});
  EXPECT_NE(missing.exit_code, 0);
  EXPECT_NE(missing.err.find("/nonexistent.yaml"), std::string::npos) << missing.err;
}

TEST_F(CommandLine, VersionAndHelp) {
  const Finished version = trigon({"version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_TRUE(std::regex_search(version.out, std::regex("[0-9]+\\.[0-9]+\\.[0-9]+"))) << version.out;
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"agent"}, {"trace"}, {"trace", "exec"}, {"policy"}, {"policy", "check"}, {"doctor"}}) {
    std::vector<std::string> words = verb;
    words.emplace_back("--help");
    const Finished help = trigon(words);
    EXPECT_EQ(help.exit_code, 0) << verb.back();
    EXPECT_NE(help.out.find("Exit codes"), std::string::npos) << verb.back();
    EXPECT_NE(help.out.find("xample"), std::string::npos) << verb.back();
  }
}

class Kernel : public HostTest {};

TEST_F(Kernel, DoctorSaysWhatThereIs) {
  const Finished text = run({trigon_binary(), "doctor"}, {}, Seconds(patience(20)));
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_FALSE(text.out.empty());
  const Finished json = run({trigon_binary(), "doctor", "-o", "json"}, {}, Seconds(patience(20)));
  EXPECT_EQ(json.exit_code, 0) << json.err;
  EXPECT_TRUE(Json::accept(json.out)) << json.out;
}

TEST_F(Kernel, AnAgentDoesNotStartWithABadPolicy) {
  Folder folder;
  const BadPolicy bad = bad_policies()[1];
  const std::string path = folder.write("policy.yaml", bad.text), good = folder.write("good.yaml", kGood);
  const Finished done =
      run({trigon_binary(), "agent", "--tracing-policy", good, "--tracing-policy", path}, {}, Seconds(patience(20)));
  expect_refused(done, path, bad);
  expect_refused(run({trigon_binary(), "trace", "-p", path, "--", "/bin/true"}, {}, Seconds(patience(20))), path, bad);
}

TEST_F(Kernel, SecondAgentLeavesWithASentence) {
  Agent first;
  ASSERT_EQ(first.problem(), "");
  const Finished second = run({trigon_binary(), "agent"}, {}, Seconds(patience(20)));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.err.find("another trigon agent"), std::string::npos) << second.err;
  EXPECT_NE(second.err.find(std::to_string(first.pid())), std::string::npos) << second.err;
  EXPECT_EQ(std::count(second.err.begin(), second.err.end(), '\n'), 1) << second.err;
  // The first is not disturbed.
  const Finished done = first.run({"self"});
  EXPECT_EQ(first.events().execs(done.pid).size(), 1u);
  EXPECT_EQ(first.stop().exit_code, 0);
}

TEST_F(Kernel, AnAgentThatWasKilledLeavesNothingInTheWay) {
  {
    Agent first;
    ASSERT_EQ(first.problem(), "");
    first.send(SIGKILL);
  }
  Agent second;
  EXPECT_EQ(second.problem(), "");
}

// A folder of policies is watched: good files take effect, bad ones change nothing.
TEST_F(Kernel, PolicyFolderIsWatched) {
  Folder policies;
  policies.write("good.yaml", kGood);
  Agent agent({"--tracing-policy-dir", policies.path()});
  ASSERT_EQ(agent.problem(), "");
  const auto events_of = [&](const std::string& policy, const std::string& number) {
    const Finished done = agent.run({"call", "121", number});
    return agent.events().hooks(policy, done.pid).size();
  };
  // Until it has taken notice, which it may take a moment.
  const auto eventually = [&](const std::string& policy, const std::string& number, size_t count) {
    for (int i = 0; i < 40; ++i) {
      if (events_of(policy, number) == count) return true;
      ::usleep(50'000);
    }
    return false;
  };
  EXPECT_EQ(events_of("good", "7001"), 1u);
  policies.write("bad.yaml", bad_policies()[1].text);
  EXPECT_TRUE(agent.wait_for([&](const Events&) { return agent.error_text().find("selectorz") != std::string::npos; },
                             Seconds(patience(5))))
      << agent.error_text();
  EXPECT_EQ(events_of("good", "7001"), 1u);
  policies.write("bad.yaml", replaced(replaced(kGood, "good", "second"), "7001", "7002"));
  EXPECT_TRUE(eventually("second", "7002", 1)) << agent.error_text();
  EXPECT_EQ(events_of("good", "7001"), 1u);
  std::filesystem::remove(policies.file("good.yaml"));
  EXPECT_TRUE(eventually("good", "7001", 0)) << agent.error_text();
  EXPECT_EQ(events_of("second", "7002"), 1u);
  // A file that breaks keeps what it meant before.
  policies.write("bad.yaml", "kind: [");
  ::usleep(300'000);
  EXPECT_EQ(events_of("second", "7002"), 1u);
  EXPECT_TRUE(agent.is_running());
  EXPECT_EQ(agent.stop().exit_code, 0);
}

TEST_F(Kernel, WithoutRootASentence) {
  CommandOptions options;
  options.in_child = [] { return ::setgid(65534) == 0 && ::setuid(65534) == 0; };
  const Finished done = run({trigon_binary(), "trace", "exec"}, options, Seconds(patience(20)));
  if (done.exit_code == 127 || done.exit_code == 126) GTEST_SKIP() << "nobody may not run " << trigon_binary();
  EXPECT_EQ(done.exit_code, 1) << done.err;
  EXPECT_NE(done.err.find("root"), std::string::npos) << done.err;
  EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1) << done.err;
}

TEST_F(Kernel, CompactTextHasNoColourInAFile) {
  Folder folder;
  const std::string output = folder.file("text");
  const Finished done = run({trigon_binary(), "trace", "exec", "--output-file", output, "--", trigger("self"), "shown"},
                            {}, Seconds(patience(30)));
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const std::string text = read_file(output);
  EXPECT_NE(text.find("process"), std::string::npos) << text;
  EXPECT_NE(text.find(trigger("self") + " shown"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}

}  // namespace
}  // namespace trigon::host
