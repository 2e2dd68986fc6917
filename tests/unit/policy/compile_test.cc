#include "policy/compile.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/load.h"
#include "tests/unit/policy/table_interpreter.h"

namespace trigon::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint16_t kOpenat = 257;

// A policy of one kprobe entry; `body` is indented by four blanks behind "- call: …".
std::string kprobe(const std::string& name, const std::string& call, const std::string& body) {
  return fmt::format(
      "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: {}\nspec:\n  kprobes:\n  - call: {}\n{}",
      name, call, body);
}

std::vector<Policy> load(const std::string& text) {
  Loaded loaded = load_text("test.yaml", text, Options{Arch::kX86_64});
  EXPECT_EQ(format(loaded.diagnostics), "");
  return std::move(loaded.policies);
}

CompiledSet compiled(const std::vector<Policy>& policies, uint32_t generation = 1) {
  auto set = compile(policies, generation, 1);
  EXPECT_TRUE(set.ok()) << (set.ok() ? "" : set.error().message());
  return set.ok() ? std::move(*set) : CompiledSet();
}

TestEvent open_of(const std::string& path) {
  TestEvent event;
  event.number = kOpenat;
  event.memory[1] = path;
  event.binary = "/usr/bin/cat";
  return event;
}

std::vector<std::string> winners(const CompiledSet& set, const TestEvent& event) {
  std::vector<std::string> names;
  for (const SelectorRef& ref : TableInterpreter(set).matches(event)) names.push_back(ref.spec->policy);
  return names;
}

constexpr const char* kPathArg = "    args:\n    - {index: 1, type: string}\n";

TEST(Compile, KillsOpenOfOnePath) {
  const auto set = compiled(load(kprobe("kill", "sys_openat", std::string(kPathArg) + R"(
    selectors:
    - matchArgs:
      - {index: 1, operator: Equal, values: [/etc/shadow]}
      matchActions:
      - action: Sigkill
)")));
  ASSERT_EQ(set.hook_tables.size(), 1u);
  EXPECT_EQ(set.syscalls[kOpenat], 1);
  EXPECT_EQ(set.syscalls[TRIGON_ABI_X32 * TRIGON_MAX_SYSCALLS + kOpenat], 1);
  EXPECT_EQ(set.syscalls[TRIGON_ABI_COMPAT32 * TRIGON_MAX_SYSCALLS + 295], 0);
  const trigon_hook& hook = set.hook_tables[0];
  EXPECT_EQ(hook.fields, 1);
  EXPECT_EQ(hook.field[0].type, TRIGON_ARG_STRING);
  EXPECT_EQ(hook.field[0].arg, 1);
  EXPECT_EQ(hook.dims, 1);
  EXPECT_EQ(hook.dim[0].lookup, TRIGON_LOOKUP_PREFIX);
  EXPECT_EQ(hook.dim[0].dflt, 0u);
  EXPECT_EQ(set.selectors[0].actions, TRIGON_ACT_POST | TRIGON_ACT_SIGNAL);
  EXPECT_EQ(set.selectors[0].signal, 9);
  EXPECT_TRUE(set.hooks[0][0].info.is_sigkill);
  EXPECT_THAT(winners(set, open_of("/etc/shadow")), ElementsAre("kill"));
  EXPECT_THAT(winners(set, open_of("/etc/shadow2")), IsEmpty());
  EXPECT_THAT(winners(set, open_of("/etc/shado")), IsEmpty());
}

TEST(Compile, FirstMatchingSelectorOfAnEntryWins) {
  const auto set = compiled(load(kprobe("first", "sys_openat", std::string(kPathArg) + R"(
    selectors:
    - matchArgs:
      - {index: 1, operator: Prefix, values: [/etc/ssh/]}
      matchActions:
      - action: NoPost
    - matchArgs:
      - {index: 1, operator: Prefix, values: [/etc/]}
)")));
  auto matches = TableInterpreter(set).matches(open_of("/etc/ssh/key"));
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].info.actions, 0);
  matches = TableInterpreter(set).matches(open_of("/etc/passwd"));
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].info.actions, TRIGON_ACT_POST);
}

TEST(Compile, NoSelectorsPostEveryCall) {
  const auto set = compiled(load(kprobe("all", "sys_getpid", "")));
  TestEvent event;
  event.number = 39;
  EXPECT_THAT(winners(set, event), ElementsAre("all"));
}

TEST(Compile, PutsWhatDecidesFirst) {
  const auto set = compiled(load(kprobe("order", "sys_openat", R"(    args:
    - {index: 1, type: string}
    - {index: 3, type: uint32}
    - {index: 2, type: int}
    selectors:
    - matchArgs:
      - {index: 1, operator: Prefix, values: [/etc]}
      - {index: 2, operator: Mask, values: [3]}
      matchPIDs:
      - {operator: NotIn, values: [1]}
)")));
  const trigon_hook& hook = set.hook_tables[0];
  ASSERT_EQ(hook.fields, 3);
  EXPECT_EQ(hook.field[0].arg, 2) << "a number that decides";
  EXPECT_EQ(hook.field[1].arg, 1) << "a string that decides";
  EXPECT_EQ(hook.field[2].arg, 3) << "only reported";
  ASSERT_EQ(hook.dims, 3);
  EXPECT_EQ(hook.dim[0].source, TRIGON_SRC_PID);
  EXPECT_EQ(hook.dim[1].lookup, TRIGON_LOOKUP_MASK);
  EXPECT_EQ(hook.dim[1].mask, 3u);
  EXPECT_EQ(hook.dim[2].lookup, TRIGON_LOOKUP_PREFIX);
  EXPECT_EQ(set.hooks[0][0].spec->args[0].field, 1) << "arguments stay in the order of the file";
  EXPECT_EQ(set.hooks[0][0].spec->args[1].field, 2);
}

TEST(Compile, PoliciesShareTheReadsAndVectorsOfAHook) {
  std::vector<Policy> policies;
  for (int i = 0; i < 200; ++i) {
    auto more = load(kprobe("p" + std::to_string(i), "sys_openat",
                            std::string(kPathArg) +
                                "    selectors:\n    - matchArgs:\n      - {index: 1, operator: "
                                "Prefix, values: [/data/" +
                                std::to_string(i) + "/]}\n"));
    policies.push_back(std::move(more[0]));
  }
  const auto set = compiled(policies);
  ASSERT_EQ(set.hook_tables.size(), 1u);
  EXPECT_EQ(set.hook_tables[0].fields, 1);
  EXPECT_EQ(set.hook_tables[0].dims, 1);
  EXPECT_EQ(set.hook_tables[0].words, 4);
  EXPECT_EQ(set.prefixes.size(), 200u);
  EXPECT_EQ(set.vectors.size(), 202u) << "one for each, nobody, all";
  EXPECT_THAT(winners(set, open_of("/data/117/x")), ElementsAre("p117"));
}

TEST(Compile, SelectorsKnowTheirEntry) {
  const std::string two =
      std::string(kPathArg) + "    selectors:\n    - matchPIDs: [{operator: In, values: [1]}]\n    - {}\n";
  auto policies = load(kprobe("a", "sys_openat", two) + "---\n" + kprobe("b", "sys_openat", two));
  const auto set = compiled(policies);
  ASSERT_EQ(set.selectors.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(set.selectors[i].spec_begin, i / 2 * 2);
    EXPECT_EQ(set.selectors[i].spec_end, i / 2 * 2 + 2);
  }
  TestEvent event = open_of("/x");
  event.pid = 1;
  EXPECT_THAT(winners(set, event), ElementsAre("a", "b"));
}

TEST(Compile, MonitorModeMarksTheSelectors) {
  auto policies = load(kprobe("m", "sys_getpid", "    selectors:\n    - matchActions: [{action: Sigkill}]\n"));
  EXPECT_EQ(compiled(policies).selectors[0].actions, TRIGON_ACT_POST | TRIGON_ACT_SIGNAL);
  policies[0].mode = Mode::kMonitor;
  EXPECT_EQ(compiled(policies).selectors[0].actions, TRIGON_ACT_POST | TRIGON_ACT_SIGNAL | TRIGON_ACT_MONITOR);
}

TEST(Compile, ControlBelongsToTheParityOfTheGeneration) {
  const std::string raw =
      "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: raw}\nspec:\n  tracepoints:\n"
      "  - subsystem: raw_syscalls\n    event: sys_enter\n    args:\n    - {index: 4, type: syscall64}\n    - {index: "
      "5}\n"
      "    selectors:\n    - matchBinaries:\n      - {operator: In, values: [/bin/sh]}\n";
  const auto policies = load(raw);
  for (uint32_t generation : {1u, 2u}) {
    const auto set = compiled(policies, generation);
    EXPECT_EQ(set.control.generation, generation);
    EXPECT_EQ(set.control.raw_hook[generation & 1], 1u);
    EXPECT_EQ(set.control.raw_hook[(generation + 1) & 1], 0u);
    EXPECT_GE(set.control.binary_dim[generation & 1], static_cast<uint32_t>(TRIGON_DIM_FIRST));
    EXPECT_EQ(set.control.binary_dim[(generation + 1) & 1], 0u);
    EXPECT_EQ(set.hook_tables[0].fields, 7);
    EXPECT_THAT(set.hooks[0][0].spec->args, testing::SizeIs(7));
  }
}

TEST(Compile, DimensionsAreNewInEveryGeneration) {
  const auto policies =
      load(kprobe("p", "sys_openat",
                  std::string(kPathArg) +
                      "    selectors:\n    - matchArgs:\n      - {index: 1, operator: Prefix, values: [/etc]}\n"));
  const auto first = compiled(policies);
  const auto second = compile(policies, 2, first.next_dim);
  ASSERT_TRUE(second.ok());
  EXPECT_GE(second->hook_tables[0].dim[0].dim, first.next_dim);
}

TEST(Compile, UnreadableIsAcceptedByNegatedFiltersOnly) {
  const auto set = compiled(
      load(kprobe("yes", "sys_openat",
                  std::string(kPathArg) +
                      "    selectors:\n    - matchArgs:\n      - {index: 1, operator: Prefix, values: [\"\"]}\n") +
           "---\n" +
           kprobe("no", "sys_openat",
                  std::string(kPathArg) +
                      "    selectors:\n    - matchArgs:\n      - {index: 1, operator: NotPrefix, values: [/etc/]}\n")));
  TestEvent event = open_of("");
  EXPECT_THAT(winners(set, event), ElementsAre("yes", "no"));
  event.memory[1] = std::nullopt;
  EXPECT_THAT(winners(set, event), ElementsAre("no"));
  EXPECT_THAT(winners(set, open_of("/etc/x")), ElementsAre("yes"));
}

TEST(Compile, TriesNeverSayNobodyWithZero) {
  const auto set = compiled(
      load(kprobe("no", "sys_openat",
                  std::string(kPathArg) +
                      "    selectors:\n    - matchArgs:\n      - {index: 1, operator: NotPrefix, values: [/etc/]}\n")));
  ASSERT_EQ(set.prefixes.size(), 1u);
  EXPECT_NE(set.prefixes[0].second, 0u);
  EXPECT_EQ(set.vectors[set.prefixes[0].second].word[0], 0u);
}

// Everything that exceeds a limit names the policy that does.
std::string refusal(const std::vector<Policy>& policies) {
  const auto set = compile(policies, 1, 0);
  EXPECT_FALSE(set.ok());
  return set.ok() ? "" : set.error().message();
}

TEST(CompileLimits, Fields) {
  std::string args = "    args:\n";
  for (int i = 0; i < 4; ++i) args += "    - {index: " + std::to_string(i) + ", type: TYPE}\n";
  const auto with = [&](const std::string& name, const std::string& type) {
    std::string text = args;
    for (size_t at; (at = text.find("TYPE")) != std::string::npos;) text.replace(at, 4, type);
    return load(kprobe(name, "sys_openat", text))[0];
  };
  EXPECT_TRUE(compile(std::vector{with("a", "int"), with("b", "int64"), with("c", "sint32")}, 1, 0).ok());
  EXPECT_EQ(refusal({with("a", "int"), with("b", "int64"), with("c", "uint32")}),
            "policy c: sys_openat: more than 8 different arguments are read, counting the policies before it");
}

TEST(CompileLimits, Selectors) {
  std::string text = "    selectors:\n";
  for (int i = 0; i < 600; ++i) text += "    - {}\n";
  EXPECT_EQ(refusal(load(kprobe("a", "sys_getpid", text) + "---\n" + kprobe("b", "sys_getpid", text))),
            "policy b: sys_getpid: more than 1024 selectors, counting the policies before it");
}

TEST(CompileLimits, LookUps) {
  std::string text = "    args:\n    - {index: 0, type: uint64}\n    selectors:\n    - matchArgs:\n";
  for (int i = 0; i < 33; ++i)
    text += fmt::format("      - {{index: 0, operator: Mask, values: [{:#x}]}}\n", 1ULL << i);
  EXPECT_EQ(refusal(load(kprobe("a", "sys_close", text))),
            "policy a: sys_close: more than 32 look-ups for one event, counting the policies before it");
}

TEST(CompileLimits, Vectors) {
  std::string text = "    args:\n    - {index: 0, type: uint64}\n    selectors:\n";
  // Value v is accepted by the selectors of its bits: 2^13 different sets.
  for (int bit = 0; bit < 13; ++bit) {
    text += "    - matchArgs:\n      - {index: 0, operator: In, values: [";
    for (int v = 0; v < 8192; ++v) {
      if (v >> bit & 1) text += fmt::format("{}, ", v);
    }
    text += "]}\n";
  }
  EXPECT_EQ(refusal(load(kprobe("a", "sys_close", text))),
            "policy a: sys_close: more than 4096 different sets of selectors, counting the policies before it");
}

TEST(CompileLimits, FollowedPids) {
  const auto with = [](const std::string& op, int first, int count) {
    std::string text = "    selectors:\n    - matchPIDs:\n      - {followForks: true, operator: " + op + ", values: [";
    for (int i = 0; i < count; ++i) text += fmt::format("{}, ", first + i);
    return load(kprobe(op == "In" ? "in" : "notin", "sys_getpid", text + "]}\n"))[0];
  };
  EXPECT_TRUE(compile(std::vector{with("In", 1, 63)}, 1, 0).ok());
  EXPECT_EQ(refusal({with("In", 1, 64)}), "policy in: more than 63 different pids with followForks");
  EXPECT_EQ(refusal({with("NotIn", 1, 11)}),
            "policy notin: more than 10 different pids with followForks in NotIn filters");
  const auto set = compile(std::vector{with("NotIn", 1, 10), with("In", 100, 40)}, 1, 0);
  ASSERT_TRUE(set.ok());
  EXPECT_LE(set->ranges.size(), 2048u);
  EXPECT_EQ(set->control.follow_count, 50u);
  EXPECT_EQ(set->control.follow_active, 1u);
}

}  // namespace
}  // namespace trigon::policy
