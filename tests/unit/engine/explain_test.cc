#include "engine/explain.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <regex>
#include <sstream>

#include "engine/not_carried.h"
#include "policy/policy.h"

namespace trigon::engine {
namespace {

using bpf::Feature;
using bpf::Features;
using bpf::FeatureSet;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

policy::Policy policy_of(const std::string& spec) {
  const auto loaded = policy::load_text(
      "p.yaml", "apiVersion: trigon.dev/v1alpha1\nkind: TracingPolicy\nmetadata: {name: p}\nspec:\n" + spec);
  EXPECT_TRUE(loaded.ok()) << policy::format(loaded.diagnostics);
  return loaded.ok() ? loaded.policies.front() : policy::Policy();
}

PolicyExplanation explained(const std::string& spec, const FeatureSet& set = FeatureSet::all()) {
  Features features(set);
  return explain(policy_of(spec), features);
}

FeatureSet locked_down() {
  FeatureSet set = FeatureSet::all();
  for (const Feature feature : {Feature::kFentry, Feature::kFexit, Feature::kLsm})
    set.remove(feature, "trampolines are refused");
  return set.remove(Feature::kKprobe, "no CONFIG_KPROBES")
      .remove(Feature::kKprobeMulti, "no CONFIG_FPROBE")
      .remove(Feature::kOverrideReturn, "no CONFIG_BPF_KPROBE_OVERRIDE");
}

const std::string kFunction = R"(
  kprobes:
  - {call: security_file_open, syscall: false, args: [{index: 0, type: file, label: file}], selectors: [
      {matchArgs: [{index: 0, operator: Prefix, values: [/etc/]}]}]})";

TEST(Explain, TakesTheBestMechanismAndSaysWhatElseThereIs) {
  const auto hook = explained(kFunction).hooks.at(0);
  EXPECT_EQ(hook.where, "security_file_open");
  EXPECT_EQ(hook.mechanism, "fentry");
  EXPECT_THAT(hook.otherwise, ElementsAre("kprobe_multi", "kprobe"));
  EXPECT_THAT(hook.reasons, IsEmpty());
}

TEST(Explain, SaysWhyNotBetter) {
  const auto hook = explained(kFunction, FeatureSet::all().remove(Feature::kFentry, "too old")).hooks.at(0);
  EXPECT_EQ(hook.mechanism, "kprobe_multi");
  EXPECT_THAT(hook.reasons, ElementsAre(HasSubstr("too old")));
}

TEST(Explain, SaysWhenNothingServesIt) {
  const auto policy = explained(kFunction, locked_down());
  EXPECT_FALSE(policy.served());
  EXPECT_EQ(policy.hooks.at(0).mechanism, "");
  EXPECT_THAT(policy.hooks[0].reasons, ElementsAre(HasSubstr("trampolines are refused"), HasSubstr("CONFIG_FPROBE"),
                                                   HasSubstr("CONFIG_KPROBES")));
}

TEST(Explain, ClaimsNothingWithoutPrivileges) {
  FeatureSet set = FeatureSet::none();
  for (size_t i = 0; i < bpf::kFeatureCount; ++i)
    set.remove(static_cast<Feature>(i), "no CAP_BPF", EPERM, bpf::Support::kUnknown);
  const auto policy = explained(kFunction + "\n  - call: sys_read", set);
  EXPECT_TRUE(policy.served());
  for (const HookExplanation& hook : policy.hooks) {
    EXPECT_TRUE(hook.unknown) << hook.where;
    EXPECT_EQ(hook.mechanism, "") << hook.where;
  }
}

TEST(Explain, CountsLookUpsByWhatTheyCost) {
  const auto hook = explained(R"(
  kprobes:
  - call: security_file_open
    syscall: false
    args: [{index: 0, type: file}, {index: 1, type: string}, {index: 2, type: int}]
    selectors:
    - matchArgs:
      - {index: 0, operator: Prefix, values: [/etc/]}
      - {index: 1, operator: Prefix, values: [a]}
      - {index: 1, operator: Postfix, values: [z]}
      - {index: 1, operator: SubString, values: [m]}
      - {index: 2, operator: Equal, values: [1]}
      - {index: 2, operator: InRange, values: ["1:9"]}
      matchBinaries: [{operator: In, values: [/usr/bin/cat]}]
      matchCapabilities: [{operator: In, values: [CAP_SYS_ADMIN]}])")
                        .hooks.at(0);
  std::map<std::string_view, size_t> counts;
  for (const LookupCost& cost : hook.lookups) counts[cost.kind] = cost.count;
  EXPECT_EQ(
      counts,
      (std::map<std::string_view, size_t>{
          {"path", 1}, {"string", 2}, {"substring", 1}, {"number", 1}, {"range", 1}, {"process", 1}, {"task", 1}}));
}

Grade grade(const std::string& call, const std::string& actions) {
  const auto policy =
      explained(fmt::format("  kprobes:\n  - {}\n    selectors: [{{matchActions: [{}]}}]", call, actions));
  return policy.hooks.at(0).selectors.at(0).verdict.grade;
}

TEST(Grades, AreThoseOfTheGuide) {
  const std::string kill = "{action: Sigkill}", deny = "{action: Override, argError: -1}";
  EXPECT_EQ(grade("call: sys_execve", kill), Grade::kPreventByKill);
  EXPECT_EQ(grade("call: sys_write", kill), Grade::kAfterEffect) << "sockets are written to as well";
  EXPECT_EQ(grade("call: sys_openat", kill), Grade::kAfterEffect);
  EXPECT_EQ(grade("call: sys_unlink", kill), Grade::kAfterEffect);
  EXPECT_EQ(grade("call: sys_execve", "{action: Signal, argSig: 19}"), Grade::kAfterEffect) << "SIGSTOP comes later";
  EXPECT_EQ(grade("call: sys_execve", "{action: Post}"), Grade::kDetect);
  EXPECT_EQ(grade("call: sys_execve", deny), Grade::kDetect) << "nobody answers there";
  const std::string function = "call: security_bprm_check\n    syscall: false";
  EXPECT_EQ(grade(function, deny), Grade::kPrevent);
  EXPECT_EQ(grade(function, deny + ", " + kill), Grade::kPrevent);
  EXPECT_EQ(grade(function, kill), Grade::kAfterEffect);
}

TEST(Grades, OfANotificationIsTheWorstOfItsCalls) {
  const auto told = [](const std::string& calls, const std::string& what) {
    const auto policy = explained(fmt::format(R"(
  enforcers: [{{calls: [{}]}}]
  tracepoints:
  - subsystem: raw_syscalls
    event: sys_enter
    selectors: [{{matchActions: [{{action: NotifyEnforcer, {}}}]}}])",
                                              calls, what));
    for (const HookExplanation& hook : policy.hooks)
      if (hook.where == "every system call") return hook.selectors.at(0).verdict.grade;
    return Grade::kDetect;
  };
  EXPECT_EQ(told("security_bprm_check", "argError: -1"), Grade::kPrevent);
  EXPECT_EQ(told("sys_execve", "argSig: 9"), Grade::kPreventByKill);
  EXPECT_EQ(told("sys_execve, sys_unlink", "argSig: 9"), Grade::kAfterEffect);
  EXPECT_EQ(told("security_bprm_check, sys_execve", "argError: -1"), Grade::kDetect) << "the call goes on";
}

TEST(NotCarried, NamesWhatTheKernelLacks) {
  Features lacking(locked_down()), able(FeatureSet::all());
  const std::string deny = "\n    selectors: [{matchActions: [{action: Override, argError: -1}]}]";
  const policy::Policy call = policy_of("  kprobes:\n  - call: sys_symlinkat" + deny);
  EXPECT_THAT(not_carried(call, lacking), ElementsAre(HasSubstr("no CONFIG_BPF_KPROBE_OVERRIDE")));
  EXPECT_THAT(not_carried(call, able), ElementsAre(HasSubstr("not used by this version")));
  EXPECT_THAT(not_carried(policy_of("  lsmhooks:\n  - hook: file_open" + deny), lacking), IsEmpty());
  EXPECT_THAT(not_carried(policy_of("  kprobes:\n  - call: sys_read"), lacking), IsEmpty());
  EXPECT_THAT(not_carried(policy_of("  loader: true"), able), ElementsAre(HasSubstr("loader")));
}

TEST(NotCarried, AnEnforcerThatOnlySignalsIsFine) {
  Features features(locked_down());
  const std::string spec = R"(
  enforcers: [{calls: [sys_dup]}]
  kprobes:
  - call: sys_close
    selectors: [{matchActions: [{action: NotifyEnforcer, argSig: 9}]}])";
  EXPECT_THAT(not_carried(policy_of(spec), features), IsEmpty());
  std::string answering = spec;
  answering.replace(answering.find("argSig: 9"), 9, "argError: -1");
  EXPECT_THAT(not_carried(policy_of(answering), features), ElementsAre(HasSubstr("sys_dup")));
}

// What explain says was measured must be about what the page says.
TEST(Explain, QuotesTheBenchmarks) {
  std::ostringstream page;
  page << std::ifstream(std::string(TRIGON_SOURCE_DIR) + "/docs/reference/benchmarks.md").rdbuf();
  const std::string text = page.str();
  const auto measured = [&text](const std::string& row) {
    std::smatch found;
    if (!std::regex_search(text, found, std::regex("`" + row + "` \\| ([0-9,]+)"))) return 0.0;
    std::string digits = found[1];
    std::erase(digits, ',');
    return std::stod(digits);
  };
  const std::string said(explained("  kprobes:\n  - call: sys_read").hooks.at(0).measured);
  std::smatch numbers;
  ASSERT_TRUE(std::regex_search(said, numbers, std::regex("about ([0-9,]+) .* ([0-9],[0-9]+) "))) << said;
  const std::pair<const char*, std::string> rows[] = {{"call-open-unmatched-added", numbers[1]},
                                                      {"call-open-matched-added", numbers[2]}};
  for (auto [row, quoted] : rows) {
    std::erase(quoted, ',');
    const double real = measured(row), claim = std::stod(quoted);
    EXPECT_LT(std::abs(real - claim), 0.15 * claim) << row << ": explain.cc says " << claim << ", the page " << real;
  }
}

}  // namespace
}  // namespace trigon::engine
