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

}  // namespace
}  // namespace trigon::policy
