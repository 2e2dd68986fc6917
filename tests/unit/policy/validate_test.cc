#include "policy/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "fake_kernel.h"
#include "policy/load.h"

namespace trigon::policy {
namespace {

using testing::ElementsAre;

constexpr const char* kGolden = TRIGON_SOURCE_DIR "/tests/unit/policy/errors.golden";
constexpr Options kX86{Arch::kX86_64};

// For the cases whose names begin with "Kernel".
const FakeKernel& kernel() {
  static const FakeKernel kKernel = [] {
    FakeKernel kernel({
        "int tcp_connect(struct sock *)",
        "void tcp_set_state(struct sock *,int)",
        "int security_file_permission(struct file *,int)",
        "int bpf_check(struct bpf_prog **,union bpf_attr *,bpfptr_t,unsigned int)",
        "void fd_install(unsigned int,struct file *)",
        "long ksys_write(unsigned int,const char *,size_t)",
        "void list_add(struct list_head *,struct list_head *)",
        "int bpf_lsm_file_open(struct file *)",
    });
    kernel.paths["file.f_path"] = {.offsets = {64}, .type = kernel_type("struct path")};
    kernel.records["task/numbers"] = {
        {.type = "int", .name = "number", .offset = 8, .size = 4, .is_signed = true},
        {.type = "unsigned short", .name = "narrow", .offset = 12, .size = 2},
        {.type = "unsigned long[20]", .name = "many", .offset = 16, .size = 160, .array = 20},
        {.type = "const char *", .name = "text", .offset = 176, .size = 8},
        {.type = "void *", .name = "buffer", .offset = 184, .size = 8},
    };
    return kernel;
  }();
  return kKernel;
}

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
    const bool with_kernel = each.name.starts_with("Kernel");
    const Loaded loaded = load_text("policy.yaml", each.policy, with_kernel ? Options{Arch::kX86_64, &kernel()} : kX86);
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

TEST(Validate, SpellingsOfOlderPolicies) {
  const Policy p = valid(R"(  kprobes:
  - call: sys_openat
    args: [{index: 1, type: string}, {index: 2, type: int}, {index: 2, type: uint32}]
    selectors:
    - matchArgs:
      - {index: 1, operator: notprefix, values: [/tmp/]}
      - {index: 2, operator: neq, values: [1]}
      - {args: [2], operator: eq, values: [2]}
      matchPIDs: [{operator: notin, values: [1]}]
)");
  const auto& s = p.hooks[0].selectors[0];
  EXPECT_EQ(s.args[0].predicate.match, Match::kPrefix);
  EXPECT_TRUE(s.args[0].predicate.negated);
  EXPECT_TRUE(s.args[1].predicate.negated);
  EXPECT_EQ(s.args[2].arg, 2u) << "by position: the index is declared twice";
  EXPECT_TRUE(s.pids[0].negated);
}

TEST(Validate, ListsOfNumbersAreDecimal) {
  const Policy p = valid(R"(  kprobes:
  - call: sys_openat
    args: [{index: 2, type: int}]
    selectors:
    - matchArgs:
      - {index: 2, operator: InMap, values: ["010:012", "-3"]}
      - {index: 2, operator: InRange, values: ["010:012"]}
)");
  const auto& filters = p.hooks[0].selectors[0].args;
  EXPECT_EQ(filters[0].predicate.ranges[0].low, (1ULL << 63) + 10) << "signed: counted from the smallest";
  EXPECT_EQ(filters[0].predicate.ranges[1].low, (1ULL << 63) - 3);
  EXPECT_EQ(filters[1].predicate.ranges[0].low, (1ULL << 63) + 8) << "octal, as everywhere else";
}

TEST(Validate, WithoutAKernelWhatOnlyItKnowsIsLeftOpen) {
  const Policy p = valid(R"(  lists:
  - {name: ksys, type: generated_ftrace, pattern: "^ksys_"}
  kprobes:
  - call: security_file_open
    syscall: false
    args: [{index: 0, type: string, resolve: f_path.dentry.d_name.name}, {index: 0, type: file}, {index: 1}]
    selectors:
    - matchNamespaces: [{namespace: Pid, operator: NotIn, values: [host_ns, 5]}]
      matchArgs: [{index: 1, operator: Equal, values: [whatever]}]
  - call: "list:ksys"
  tracepoints:
  - {subsystem: sched, event: sched_switch, args: [{index: 5, type: int}]}
)");
  ASSERT_EQ(p.hooks.size(), 3u);
  EXPECT_TRUE(p.hooks[0].args[0].unresolved);
  EXPECT_EQ(p.hooks[0].args[0].conf.steps, 0);
  EXPECT_FALSE(p.hooks[0].args[1].unresolved);
  EXPECT_TRUE(p.hooks[0].args[2].unresolved);
  EXPECT_TRUE(p.hooks[0].selectors[0].tasks[0].host_ns);
  EXPECT_THAT(p.hooks[0].selectors[0].tasks[0].predicate.numbers, ElementsAre(5));
  EXPECT_TRUE(p.hooks[1].unresolved);
  EXPECT_EQ(p.hooks[1].function, "^ksys_");
  EXPECT_TRUE(p.hooks[2].args[0].unresolved);
}

TEST(Validate, LargePolicies) {
  std::string spec = "  kprobes:\n  - call: sys_openat\n    args: [{index: 1, type: string}]\n    selectors:\n";
  for (int i = 0; i < 1000; ++i) {
    spec += "    - matchArgs: [{index: 1, operator: Prefix, values: [/dir" + std::to_string(i) + "/]}]\n";
  }
  spec +=
      "  - call: sys_openat2\n    args: [{index: 1, type: string}, {index: 0, type: int}]\n    selectors:\n    - "
      "matchArgs:\n";
  for (int filter = 0; filter < 3; ++filter) {
    spec += "      - index: 1\n        operator: NotEqual\n        values:\n";
    for (int i = 0; i < 10'000; ++i) spec += "        - /value" + std::to_string(i) + "\n";
  }
  spec += "        - /" + std::string(TRIGON_MAX_VALUE - 1, 'x') + "\n";
  const Policy p = valid(spec);
  ASSERT_EQ(p.hooks.size(), 2u);
  EXPECT_EQ(p.hooks[0].selectors.size(), 1000u);
  EXPECT_EQ(p.hooks[1].selectors[0].args[2].predicate.strings.size(), 10'001u);
}

TEST(Validate, NamespacedPolicies) {
  const std::string text =
      "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicyNamespaced\nmetadata: {name: p, namespace: blue}\nspec:\n"
      "  podSelector: {matchLabels: {app: web}, matchExpressions: [{key: tier, operator: NotIn, values: [db]}]}\n"
      "  containerSelector: {matchLabels: {name: main}}\n  nodeSelector: {matchLabels: {zone: a}}\n"
      "  options: [{name: match-binaries, value: literal}]\n"
      "  kprobes: [{call: sys_getpid, selectors: [{matchWorkloads: {hostSelector: {}}}]}]\n";
  Loaded loaded = load_text("p.yaml", text + "---\n" + text, kX86);
  ASSERT_EQ(loaded.policies.size(), 1u);
  EXPECT_EQ(loaded.diagnostics.size(), 1u) << "the same name in the same namespace";
  const Policy& p = loaded.policies[0];
  EXPECT_EQ(p.k8s_namespace, "blue");
  ASSERT_TRUE(p.workload.pods);
  ASSERT_EQ(p.workload.pods->size(), 2u);
  EXPECT_EQ((*p.workload.pods)[1].op, LabelRequirement::Operator::kNotIn);
  EXPECT_EQ(p.workload.containers->size(), 1u);
  EXPECT_EQ(p.nodes.size(), 1u);
  EXPECT_TRUE(p.literal_binaries);
  ASSERT_TRUE(p.hooks[0].selectors[0].workload);
  EXPECT_TRUE(p.hooks[0].selectors[0].workload->host);
  std::string other = text;
  other.replace(other.find("blue"), 4, "gray");
  EXPECT_EQ(format(load_text("p.yaml", text + "---\n" + other, kX86).diagnostics), "");
}

TEST(Validate, ReadsTheWidthThatTheKernelHas) {
  const Options with_kernel{Arch::kX86_64, &kernel()};
  const Policy p = valid(R"(  kprobes:
  - {call: tcp_set_state, syscall: false, args: [{index: 1, type: uint64}, {index: 1}]}
  - {call: ksys_write, syscall: false, args: [{index: 1}, {index: 2, type: int}, {index: 1, type: uint64}]}
  - {call: bpf_check, syscall: false, args: [{index: 3, type: uint32}, {index: 1}]}
  tracepoints:
  - subsystem: task
    event: numbers
    args: [{index: 1, type: int}, {index: 0}, {index: 3}, {index: 2}, {index: 4, type: uint64}]
)",
                         with_kernel);
  ASSERT_EQ(p.hooks.size(), 4u);
  EXPECT_EQ(p.hooks[0].args[0].conf.type, TRIGON_ARG_INT32) << "the rest of the register means nothing";
  EXPECT_EQ(p.hooks[0].args[1].type, "int");
  EXPECT_EQ(p.hooks[1].args[0].type, "string");
  EXPECT_EQ(p.hooks[1].args[1].conf.type, TRIGON_ARG_INT32) << "the lower half of a size_t";
  EXPECT_EQ(p.hooks[1].args[2].conf.type, TRIGON_ARG_UINT64) << "the address";
  EXPECT_EQ(p.hooks[2].args[0].conf.arg, 4) << "behind a structure in two registers";
  EXPECT_EQ(p.hooks[2].args[1].type, "bpf_attr");
  const auto& record = p.hooks[3].args;
  EXPECT_EQ(record[0].conf.type, TRIGON_ARG_UINT16);
  EXPECT_EQ(record[0].conf.size, 2);
  EXPECT_EQ(record[1].type, "int");
  EXPECT_EQ(record[2].type, "string");
  EXPECT_EQ(record[3].conf.type, TRIGON_ARG_CONST_BUF) << "twenty numbers";
  EXPECT_EQ(record[3].conf.max, 160u);
  EXPECT_EQ(record[4].conf.off[0], 184u);
}

TEST(Validate, ReadsRegisters) {
  const Policy p = valid(R"(  kprobes:
  - call: tcp_connect
    syscall: false
    data: [{index: 0, source: pt_regs, resolve: rip, type: uint64}]
)");
  const Arg& arg = p.hooks[0].data[0];
  EXPECT_EQ(arg.conf.source, TRIGON_FROM_REG);
  EXPECT_EQ(arg.conf.off[0], 128u) << "asm/ptrace.h";
  EXPECT_TRUE(p.hooks[0].point.kprobe_only);
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
