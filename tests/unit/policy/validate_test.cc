#include "policy/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "policy/load.h"

namespace trigon::policy {
namespace {

using testing::ElementsAre;

constexpr const char* kGolden = TRIGON_SOURCE_DIR "/tests/unit/policy/errors.golden";
constexpr Options kX86{Arch::kX86_64};

struct Case {
  std::string name, policy, expected;
};

struct Golden {
  std::string preamble;
  std::vector<Case> cases;
};

Golden read_golden() {
  Golden golden;
  std::ifstream in(kGolden);
  std::string line;
  bool expected = false;
  while (std::getline(in, line)) {
    if (line.starts_with("=== ")) {
      golden.cases.push_back({line.substr(4), "", ""});
      expected = false;
    } else if (golden.cases.empty()) {
      golden.preamble += line + "\n";
    } else if (line == ">>>") {
      expected = true;
    } else {
      (expected ? golden.cases.back().expected : golden.cases.back().policy) += line + "\n";
    }
  }
  return golden;
}

TEST(Validate, SaysExactlyWhatIsWrong) {
  Golden golden = read_golden();
  ASSERT_GT(golden.cases.size(), 30u);
  const bool update = std::getenv("TRIGON_UPDATE_GOLDEN") != nullptr;
  std::ostringstream out;
  out << golden.preamble;
  for (const Case& each : golden.cases) {
    const Loaded loaded = load_text("policy.yaml", each.policy, kX86);
    const std::string actual = format(loaded.diagnostics);
    out << "=== " << each.name << "\n" << each.policy << ">>>\n" << actual;
    if (update) continue;
    EXPECT_EQ(actual, each.expected) << each.name;
    EXPECT_TRUE(loaded.policies.empty()) << each.name << " was taken";
  }
  if (update) std::ofstream(kGolden) << out.str();
}

std::string policy(const std::string& spec) {
  return "apiVersion: trigon.dev/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: p\nspec:\n" + spec;
}

Policy valid(const std::string& spec, const Options& options = kX86) {
  Loaded loaded = load_text("policy.yaml", policy(spec), options);
  EXPECT_EQ(format(loaded.diagnostics), "");
  return loaded.policies.size() == 1 ? std::move(loaded.policies[0]) : Policy();
}

TEST(Validate, FieldsOfTheFullLanguageMayBeThereWhenTheyAskForNothing) {
  const Policy p =
      valid("  lists: []\n  podSelector: null\n  kprobes:\n  - {call: sys_getpid, return: false, syscall: true}\n");
  ASSERT_EQ(p.hooks.size(), 1u);
  EXPECT_EQ(p.hooks[0].target.number, 39);
  ASSERT_EQ(p.hooks[0].selectors.size(), 1u);
  EXPECT_TRUE(p.hooks[0].selectors[0].actions.post);
}

TEST(Validate, FindsCallsOfEveryAbi) {
  const Policy p = valid(
      "  kprobes:\n  - call: sys_openat\n  - call: x64/sys_openat\n  - call: __x64_sys_openat\n  - call: "
      "i386/sys_openat\n"
      "  - call: sys_newfstat\n  - call: sys_fchmodat2\n  - call: sys_file_setattr\n");
  std::vector<std::pair<Abi, uint16_t>> targets;
  for (const Hook& hook : p.hooks) targets.emplace_back(hook.target.abi, hook.target.number);
  EXPECT_THAT(targets, ElementsAre(std::pair(Abi::kX64, 257), std::pair(Abi::kX64, 257), std::pair(Abi::kX64, 257),
                                   std::pair(Abi::kI386, 295), std::pair(Abi::kX64, 5), std::pair(Abi::kX64, 452),
                                   std::pair(Abi::kX64, 469)));
}

TEST(Validate, LeavesOutWhatMayBeAbsent) {
  const std::string spec = "  kprobes:\n  - {call: sys_open, ignore: {callNotFound: true}}\n  - call: sys_openat\n";
  EXPECT_EQ(valid(spec).hooks.size(), 2u);
  const Policy arm = valid(spec, Options{Arch::kArm64});
  ASSERT_EQ(arm.hooks.size(), 1u);
  EXPECT_EQ(arm.hooks[0].target.number, 56);
}

TEST(Validate, PlacesArguments) {
  const Policy p = valid(R"(  tracepoints:
  - subsystem: syscalls
    event: sys_enter_write
    args:
    - {index: 4, type: int}
    - {index: 5, type: fd}
    - {index: 6, type: char_buf, sizeArgIndex: 8}
  - subsystem: raw_syscalls
    event: sys_enter
    args:
    - index: 4
    - index: 5
)");
  ASSERT_EQ(p.hooks.size(), 2u);
  const auto& write = p.hooks[0].args;
  EXPECT_EQ(write[0].conf.type, TRIGON_ARG_SYSCALL);
  EXPECT_EQ(write[1].conf.arg, 0);
  EXPECT_EQ(write[2].conf.arg, 1);
  EXPECT_EQ(write[2].conf.size_arg, 3) << "1 + register 2";
  const auto& raw = p.hooks[1].args;
  EXPECT_EQ(raw[0].type, "syscall64");
  EXPECT_EQ(raw[1].type, "size_t");
  EXPECT_EQ(raw[1].spread, 6);
}

TEST(Validate, SizesOfKprobeArguments) {
  const Policy p = valid(R"(  kprobes:
  - call: sys_connect
    args:
    - {index: 1, type: sockaddr}
  - call: sys_write
    args:
    - {index: 1, type: char_buf, sizeArgIndex: 3}
)");
  EXPECT_EQ(p.hooks[0].args[0].conf.size_arg, 3) << "the next register";
  EXPECT_EQ(p.hooks[1].args[0].conf.size_arg, 3);
}

TEST(Validate, NormalisesNumbers) {
  const Policy p = valid(R"(  kprobes:
  - call: sys_openat
    args:
    - {index: 0, type: int}
    - {index: 2, type: uint32}
    - {index: 3, type: int}
    selectors:
    - matchArgs:
      - {index: 0, operator: Equal, values: [-100, 0x10, 010, "7"]}
      - {index: 2, operator: LT, values: [16]}
      - {index: 3, operator: Mask, values: [0x80000000, 1]}
)");
  const auto& filters = p.hooks[0].selectors[0].args;
  EXPECT_THAT(filters[0].predicate.numbers, ElementsAre(static_cast<uint64_t>(-100), 16, 8, 7));
  ASSERT_EQ(filters[1].predicate.ranges.size(), 1u);
  EXPECT_EQ(filters[1].predicate.ranges[0].low, 0u);
  EXPECT_EQ(filters[1].predicate.ranges[0].high, 15u);
  EXPECT_EQ(filters[2].predicate.mask, 0x80000001u);
}

TEST(Validate, ReadsModeAndActions) {
  const Policy p = valid(R"(  options:
  - {name: policy-mode, value: monitor}
  kprobes:
  - call: sys_getpid
    selectors:
    - matchActions: [{action: Sigkill}, {action: NoPost}]
    - matchActions: [{action: Signal, argSig: 10}]
)");
  EXPECT_EQ(p.mode, Mode::kMonitor);
  const auto& selectors = p.hooks[0].selectors;
  EXPECT_FALSE(selectors[0].actions.post);
  EXPECT_TRUE(selectors[0].actions.is_sigkill);
  EXPECT_EQ(selectors[1].actions.signal, 10);
  EXPECT_TRUE(selectors[1].actions.post);
}

TEST(Validate, AliasesAreCopies) {
  const Policy p = valid(R"(  kprobes:
  - call: sys_openat
    args: &args
    - {index: 1, type: string}
  - call: sys_openat2
    args: *args
)");
  ASSERT_EQ(p.hooks.size(), 2u);
  EXPECT_EQ(p.hooks[1].args.size(), 1u);
}

TEST(Validate, RefusesBombs) {
  std::string deep(5000, '[');
  EXPECT_FALSE(load_text("deep", deep).ok());
  std::string bomb = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += "b" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j ? ", *a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  const Loaded loaded = load_text("bomb", bomb);
  ASSERT_EQ(loaded.diagnostics.size(), 1u);
  EXPECT_EQ(loaded.diagnostics[0].message, "the file is too large");
}

TEST(Validate, AllPoliciesOfTheRepositoryAreValidOnBothArchitectures) {
  const std::string path = TRIGON_SOURCE_DIR "/policies";
  for (Arch arch : {Arch::kX86_64, Arch::kArm64}) {
    const Loaded loaded = load_paths(std::vector{path}, Options{arch});
    EXPECT_EQ(format(loaded.diagnostics), "");
    EXPECT_GE(loaded.policies.size(), 5u);
  }
}

}  // namespace
}  // namespace trigon::policy
