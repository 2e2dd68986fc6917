// Random policies and random events: the tables must say what the policies say.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "policy/compile.h"
#include "policy/types.h"
#include "tests/unit/policy/reference.h"
#include "tests/unit/policy/table_interpreter.h"

namespace trigon::policy {
namespace {

// Values come from small pools, so that filters and events meet.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  bool chance(int percent) { return below(100) < static_cast<size_t>(percent); }

  std::vector<Policy> policies() {
    std::vector<Policy> out;
    const size_t count = 1 + below(5);
    for (size_t i = 0; i < count; ++i) {
      Policy policy;
      policy.name = fmt::format("p{}", i);
      const size_t hooks = 1 + below(3);
      for (size_t h = 0; h < hooks; ++h) policy.hooks.push_back(hook(h));
      out.push_back(std::move(policy));
    }
    return out;
  }

  TestEvent event() {
    TestEvent event;
    const uint8_t abis[] = {TRIGON_ABI_NATIVE, TRIGON_ABI_NATIVE, TRIGON_ABI_COMPAT32, TRIGON_ABI_X32};
    event.abi = abis[below(4)];
    event.number = static_cast<uint16_t>(below(3));
    for (uint64_t& reg : event.registers) reg = number();
    for (uint8_t reg = 0; reg < 6; ++reg) {
      if (chance(85)) event.memory[reg] = chance(90) ? std::optional(string()) : std::nullopt;
    }
    event.pid = pid();
    event.ns_pid = pid();
    event.lineage = {event.pid};
    event.ns_lineage = {event.ns_pid};
    while (chance(50)) event.lineage.push_back(pid());
    while (chance(50)) event.ns_lineage.push_back(pid());
    event.binary = string();
    return event;
  }

 private:
  std::string string() {
    std::string s;
    const size_t length = below(6);
    for (size_t i = 0; i < length; ++i) s += "/ab"[below(3)];
    if (chance(5)) s += std::string(below(300), 'a');
    return s;
  }

  uint64_t number() {
    const uint64_t edges[] = {0,          1,           2,           3,          7,          8,       0x7f,
                              0x80,       0xff,        0x7fff,      0x8000,     0xffff,     1 << 16, 0x7fffffff,
                              0x80000000, 0x80000001,  0xffffffff,  1ULL << 32, 1ULL << 63, ~0ULL,   ~1ULL,
                              ~0ULL >> 1, ~0ULL << 31, ~0ULL << 15, 5};
    return chance(80) ? edges[below(std::size(edges))] : random_();
  }

  uint32_t pid() { return static_cast<uint32_t>(below(6)); }

  Arg arg(uint32_t index) {
    static const char* const kNames[] = {"int",  "uint32", "int16",  "uint16", "int8",   "uint8",
                                         "long", "size_t", "string", "fd",     "string", "nop"};
    const TypeInfo& info = *find_type(kNames[below(std::size(kNames))]);
    Arg out;
    out.index = index;
    out.type = info.name;
    out.kind = info.kind;
    out.is_signed = info.is_signed;
    out.bits = info.bits;
    out.conf.type = info.arg_type;
    out.conf.arg = static_cast<uint8_t>(index);
    return out;
  }

  Arg number_arg() {
    Arg out;
    out.index = 4;
    out.type = "syscall64";
    out.kind = ValueKind::kNumber;
    out.bits = 32;
    out.conf.type = TRIGON_ARG_SYSCALL;
    return out;
  }

  Predicate strings(bool with_postfix) {
    Predicate out;
    const Match kinds[] = {Match::kExact, Match::kPrefix, Match::kPostfix};
    out.match = kinds[below(with_postfix ? 3 : 2)];
    out.negated = chance(35);
    const size_t count = 1 + below(4);
    for (size_t i = 0; i < count; ++i) {
      std::string value = string();
      value.resize(std::min<size_t>(value.size(), TRIGON_MAX_STRING_VALUE));
      out.strings.push_back(value);
    }
    return out;
  }

  Predicate numbers(const Arg& arg) {
    Predicate out;
    const Match kinds[] = {Match::kNumbers, Match::kRanges, Match::kMask};
    out.match = kinds[below(3)];
    out.negated = out.match != Match::kMask && chance(35);
    const size_t count = 1 + below(4);
    for (size_t i = 0; i < count; ++i) {
      const uint64_t value = extend(arg, number());
      if (out.match == Match::kNumbers) out.numbers.push_back(value);
      if (out.match == Match::kMask) out.mask |= 1ULL << below(arg.bits);
      if (out.match == Match::kRanges) {
        uint64_t low = ordered(value, arg.is_signed);
        uint64_t high = ordered(extend(arg, number()), arg.is_signed);
        if (low > high) std::swap(low, high);
        out.ranges.push_back({low, high});
      }
    }
    return out;
  }

  Selector selector(const Hook& hook) {
    Selector out;
    while (!hook.args.empty() && chance(60)) {
      const size_t i = below(hook.args.size());
      const Arg& arg = hook.args[i];
      if (arg.kind == ValueKind::kString) out.args.push_back({i, strings(true)});
      if (arg.kind == ValueKind::kNumber) out.args.push_back({i, numbers(arg)});
      if (out.args.size() > 4) break;
    }
    while (chance(25)) out.binaries.push_back(strings(true));
    while (chance(25)) {
      PidFilter filter;
      filter.negated = chance(40);
      filter.namespace_pid = chance(50);
      filter.follow_forks = chance(50);
      const size_t count = 1 + below(3);
      for (size_t i = 0; i < count; ++i) filter.pids.push_back(1 + static_cast<uint32_t>(below(4)));
      out.pids.push_back(std::move(filter));
    }
    return out;
  }

  Hook hook(size_t position) {
    Hook out;
    out.function = fmt::format("h{}", position);
    out.kind = chance(70) ? HookKind::kKprobe : HookKind::kTracepoint;
    out.raw_syscalls = out.kind == HookKind::kTracepoint && chance(50);
    out.target.number = static_cast<uint16_t>(below(3));
    if (out.kind == HookKind::kKprobe && chance(20)) out.target.abi = Abi::kI386;
    if (out.raw_syscalls) {
      out.args.push_back(number_arg());
    } else {
      for (uint32_t i = 0; i < 2; ++i) {
        if (chance(70)) out.args.push_back(arg(i));
      }
    }
    const size_t selectors = 1 + below(4);
    for (size_t i = 0; i < selectors; ++i) out.selectors.push_back(selector(out));
    return out;
  }

  std::mt19937_64 random_;
};

std::vector<Winner> by_tables(const CompiledSet& set, const TestEvent& event) {
  std::vector<Winner> out;
  for (const SelectorRef& ref : TableInterpreter(set).matches(event)) {
    // The generator names a hook by its position, and a signal carries the selector's.
    out.push_back({ref.spec->policy, static_cast<size_t>(std::stoi(ref.spec->function.substr(1))), ref.info.signal});
  }
  return out;
}

TEST(CompileProperty, TablesAgreeWithPolicies) {
  size_t compiled = 0, won = 0, events = 0;
  for (uint32_t seed = 1; seed <= 600; ++seed) {
    Generator generator(seed);
    auto policies = generator.policies();
    for (Policy& policy : policies) {
      for (Hook& hook : policy.hooks) {
        for (size_t s = 0; s < hook.selectors.size(); ++s) hook.selectors[s].signal = static_cast<uint16_t>(s);
      }
    }
    const auto set = compile(policies, 1 + seed % 2, 1 + seed);
    if (!set.ok()) continue;  // too many fields or dimensions
    ++compiled;
    for (int i = 0; i < 60; ++i) {
      const TestEvent event = generator.event();
      auto expected = evaluate(policies, event);
      auto actual = by_tables(*set, event);
      std::sort(expected.begin(), expected.end());
      std::sort(actual.begin(), actual.end());
      const auto names = [](const std::vector<Winner>& winners) {
        std::string out;
        for (const Winner& w : winners) out += fmt::format("{}.h{}.s{} ", w.policy, w.hook, w.selector);
        return out;
      };
      ASSERT_EQ(names(actual), names(expected)) << "seed " << seed << ", event " << i;
      ++events;
      won += expected.empty() ? 0 : 1;
    }
  }
  // The comparison is worth something only if both answers occur.
  EXPECT_GT(compiled, 300u);
  EXPECT_GT(won, events / 10);
  EXPECT_LT(won, events * 9 / 10);
}

}  // namespace
}  // namespace trigon::policy
