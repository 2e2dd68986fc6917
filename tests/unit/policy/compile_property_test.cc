// Random policies over everything that can be asked, and random events: the tables must say what the policies say.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "policy/compile.h"
#include "policy/types.h"
#include "tests/unit/policy/reference.h"
#include "tests/unit/policy/table_interpreter.h"

namespace trigon::policy {
namespace {

constexpr uint8_t kArgs = 4;

struct Type {
  const char* name;
  uint8_t arg_type;
  ValueKind kind;
  bool is_signed;
  uint8_t bits;
};
constexpr Type kTypes[] = {
    {"int", TRIGON_ARG_INT32, ValueKind::kNumber, true, 32},
    {"uint32", TRIGON_ARG_UINT32, ValueKind::kNumber, false, 32},
    {"int16", TRIGON_ARG_INT16, ValueKind::kNumber, true, 16},
    {"uint8", TRIGON_ARG_UINT8, ValueKind::kNumber, false, 8},
    {"long", TRIGON_ARG_INT64, ValueKind::kNumber, true, 64},
    {"size_t", TRIGON_ARG_UINT64, ValueKind::kNumber, false, 64},
    {"string", TRIGON_ARG_STRING, ValueKind::kString, false, 0},
    {"char_buf", TRIGON_ARG_CHAR_BUF, ValueKind::kString, false, 0},
    {"file", TRIGON_ARG_FILE, ValueKind::kPath, false, 0},
    {"path", TRIGON_ARG_PATH, ValueKind::kPath, false, 0},
    {"sock", TRIGON_ARG_SOCK, ValueKind::kSocket, false, 0},
    {"skb", TRIGON_ARG_SKB, ValueKind::kSocket, false, 0},
    {"sockaddr", TRIGON_ARG_SOCKADDR, ValueKind::kSockaddr, false, 0},
    {"sockaddr_un", TRIGON_ARG_SOCKADDR, ValueKind::kSockaddrUn, false, 0},
    {"kernel_cap_t", TRIGON_ARG_CAP_SET, ValueKind::kNumber, false, 64},
    {"nop", TRIGON_ARG_NONE, ValueKind::kNone, false, 0},
};

// What files there are: several names lead to one, some to none.
std::optional<FileId> resolve(const std::string& path) {
  const size_t sum = path.size() + static_cast<size_t>(std::count(path.begin(), path.end(), 'a'));
  if (path.empty() || sum % 4 == 0) return std::nullopt;
  return FileId{static_cast<uint32_t>(sum % 2), sum % 3 + 1};
}

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
      policy.enabled = chance(90);
      policy.literal_binaries = chance(20);
      if (chance(15)) policy.k8s_namespace = "ns1";
      if (chance(15)) policy.workload = workload();
      const size_t hooks = 1 + below(3);
      for (size_t h = 0; h < hooks; ++h) policy.hooks.push_back(hook(h));
      out.push_back(std::move(policy));
    }
    return out;
  }

  TestEvent event() {
    TestEvent event;
    event.is_syscall = chance(60);
    const uint8_t abis[] = {TRIGON_ABI_NATIVE, TRIGON_ABI_NATIVE, TRIGON_ABI_COMPAT32, TRIGON_ABI_X32};
    event.abi = abis[below(4)];
    event.number = static_cast<uint16_t>(below(3));
    if (!event.is_syscall) event.point = point();
    for (uint8_t i = 0; i < kArgs; ++i) {
      for (bool late : {false, true}) event.values[value_key(TRIGON_FROM_ARG, i, late)] = value();
      event.values[value_key(TRIGON_FROM_TASK, i, false)] = value();
    }
    event.values[value_key(TRIGON_FROM_RETURN, 0, true)] = value();
    event.pid = pid();
    event.ns_pid = pid();
    event.lineage = {event.pid};
    event.ns_lineage = {event.ns_pid};
    while (chance(50)) event.lineage.push_back(pid());
    while (chance(50)) event.ns_lineage.push_back(pid());
    while (chance(40)) event.binaries.emplace_back();
    for (TestBinary& binary : event.binaries) {
      binary.path = string();
      if (chance(80)) binary.file = {static_cast<uint32_t>(below(2)), 1 + below(3)};
    }
    for (uint32_t& ns : event.namespaces) ns = static_cast<uint32_t>(below(4));
    event.namespace_changes = chance(50) ? 0 : bits();
    for (uint64_t& caps : event.caps) caps = bits();
    for (uint64_t& caps : event.cap_changes) caps = chance(50) ? 0 : bits();
    for (uint32_t& id : event.creds) id = static_cast<uint32_t>(chance(50) ? below(4) : number());
    if (chance(70)) event.container = fmt::format("c{}", below(3));
    if (!event.container.empty() && chance(70)) event.pod_namespace = fmt::format("ns{}", below(2));
    return event;
  }

 private:
  std::string string() {
    std::string s;
    if (chance(6)) s = std::string(240 + below(20) + 248 * below(3), 'a');
    const size_t length = below(6);
    for (size_t i = 0; i < length; ++i) s += "/abA"[below(4)];
    if (chance(4)) s += std::string(240 + below(20) + 248 * below(3), 'a');
    return s;
  }

  uint64_t number() {
    const uint64_t edges[] = {0,          1,           2,           3,          7,          8,       0x7f,
                              0x80,       0xff,        0x7fff,      0x8000,     0xffff,     1 << 16, 0x7fffffff,
                              0x80000000, 0x80000001,  0xffffffff,  1ULL << 32, 1ULL << 63, ~0ULL,   ~1ULL,
                              ~0ULL >> 1, ~0ULL << 31, ~0ULL << 15, 5};
    return chance(80) ? edges[below(std::size(edges))] : random_();
  }
  uint64_t bits() { return random_() & random_() & 0xff; }
  uint32_t pid() { return static_cast<uint32_t>(below(6)); }
  uint16_t small() { return static_cast<uint16_t>(chance(70) ? below(5) : 1020 + below(8)); }

  std::array<uint8_t, 16> address() {
    std::array<uint8_t, 16> out{};
    if (chance(60)) out[10] = out[11] = 0xff;
    for (size_t i = 12; i < 16; ++i) out[i] = static_cast<uint8_t>(chance(50) ? 10 : random_() & 3);
    return out;
  }

  TestValue value() {
    TestValue out;
    out.readable = chance(88);
    out.number = number();
    out.bytes = string();
    out.mode = static_cast<uint16_t>(below(3) << 12 | 0644);
    for (trigon_part part :
         {TRIGON_PART_FAMILY, TRIGON_PART_PROTOCOL, TRIGON_PART_STATE, TRIGON_PART_SPORT, TRIGON_PART_DPORT}) {
      if (chance(80)) out.parts[part] = part >= TRIGON_PART_SPORT ? small() : static_cast<uint16_t>(below(4));
    }
    for (trigon_part part : {TRIGON_PART_SADDR, TRIGON_PART_DADDR}) {
      if (chance(80)) out.addresses[part] = address();
    }
    return out;
  }

  HookPoint point() {
    HookPoint out;
    out.symbol = fmt::format("f{}", below(2));
    out.returns = chance(50);
    return out;
  }

  Arg arg(uint8_t index) {
    const Type& type = kTypes[below(std::size(kTypes))];
    Arg out;
    out.index = index;
    out.type = type.name;
    out.kind = type.kind;
    out.is_signed = type.is_signed;
    out.bits = type.bits;
    out.conf.type = type.arg_type;
    out.conf.arg = index;
    return out;
  }

  Arg number_arg() {
    Arg out;
    out.index = 4;
    out.type = "syscall64";
    out.kind = ValueKind::kNumber;
    out.bits = 64;
    out.conf.type = TRIGON_ARG_SYSCALL;
    return out;
  }

  Predicate text(bool substrings) {
    Predicate out;
    const Match kinds[] = {Match::kExact, Match::kPrefix, Match::kPostfix, Match::kSubstring,
                           Match::kSubstringIgnoreCase};
    out.match = kinds[below(substrings ? 5 : 3)];
    out.negated = out.match < Match::kSubstring && chance(35);
    const size_t count = 1 + below(4);
    for (size_t i = 0; i < count; ++i) {
      std::string s = string();
      for (char& c : s) {
        if (out.match == Match::kSubstringIgnoreCase && c == 'A') c = 'a';
      }
      if (out.match == Match::kSubstring && s.size() > 10) s.resize(10);
      out.strings.push_back(std::move(s));
    }
    return out;
  }

  Predicate mask(uint8_t width) {
    Predicate out;
    out.match = Match::kMask;
    out.negated = chance(35);
    const size_t count = 1 + below(3);
    for (size_t i = 0; i < count; ++i) out.mask |= 1ULL << below(std::min<size_t>(width, chance(70) ? 8 : 64));
    return out;
  }

  Predicate numbers(bool is_signed, uint8_t width) {
    if (chance(33)) return mask(width);
    Predicate out;
    out.match = chance(50) ? Match::kNumbers : Match::kRanges;
    out.negated = chance(35);
    const size_t count = 1 + below(4);
    const auto next = [&]() -> uint64_t {
      const uint64_t raw = number();
      if (width == 64) return raw;
      const uint64_t low = raw & ((1ULL << width) - 1);
      return is_signed && (low >> (width - 1) & 1) ? low | ~0ULL << width : low;
    };
    for (size_t i = 0; i < count; ++i) {
      const uint64_t value = next();
      if (out.match == Match::kNumbers) {
        out.numbers.push_back(value);
        continue;
      }
      uint64_t low = ordered(value, is_signed), high = ordered(next(), is_signed);
      if (low > high) std::swap(low, high);
      out.ranges.push_back({low, high});
    }
    return out;
  }

  Predicate socket(bool of_address) {
    const trigon_part parts[] = {TRIGON_PART_FAMILY, TRIGON_PART_SPORT,    TRIGON_PART_SADDR, TRIGON_PART_DPORT,
                                 TRIGON_PART_DADDR,  TRIGON_PART_PROTOCOL, TRIGON_PART_STATE};
    Predicate out;
    out.part = parts[below(of_address ? 3 : 7)];
    out.negated = chance(35);
    const size_t count = 1 + below(3);
    if (out.part == TRIGON_PART_SADDR || out.part == TRIGON_PART_DADDR) {
      out.match = Match::kNetworks;
      for (size_t i = 0; i < count; ++i) {
        const uint8_t widths[] = {128, 128, 127, 120, 112, 104, 96, 64, 8, 0};
        out.networks.push_back({address(), widths[below(std::size(widths))]});
      }
      return out;
    }
    const bool is_port = out.part == TRIGON_PART_SPORT || out.part == TRIGON_PART_DPORT;
    out.match = is_port && chance(50) ? Match::kRanges : Match::kNumbers;
    for (size_t i = 0; i < count; ++i) {
      const uint64_t low = small(), high = small();
      if (out.match == Match::kNumbers) out.numbers.push_back(low);
      if (out.match == Match::kRanges) out.ranges.push_back({std::min(low, high), std::max(low, high)});
    }
    return out;
  }

  std::optional<ArgFilter> filter(const std::vector<Arg>& args, Role role) {
    ArgFilter out;
    out.role = role;
    out.arg = below(args.size());
    const Arg& arg = args[out.arg];
    if (arg.conf.type == TRIGON_ARG_CAP_SET && chance(70)) {
      for (out.second = 0; out.second < args.size(); ++out.second) {
        if (out.second == out.arg || args[out.second].conf.type != TRIGON_ARG_CAP_SET) continue;
        out.predicate = mask(64);
        out.predicate.part = TRIGON_PART_GAINED;
        return out;
      }
    }
    switch (arg.kind) {
      case ValueKind::kNone:
        return std::nullopt;
      case ValueKind::kNumber:
        out.predicate = numbers(arg.is_signed, arg.bits);
        break;
      case ValueKind::kString:
        out.predicate = text(true);
        break;
      case ValueKind::kPath:
        if (chance(25)) {
          out.predicate.part = TRIGON_PART_FILE_TYPE;
          out.predicate.negated = chance(40);
          out.predicate.numbers = {below(3), below(3)};
        } else {
          out.predicate = text(true);
        }
        break;
      case ValueKind::kSocket:
      case ValueKind::kSockaddr:
        out.predicate = socket(arg.kind == ValueKind::kSockaddr);
        break;
      case ValueKind::kSockaddrUn:
        if (chance(60)) {
          out.predicate = text(false);
        } else {
          out.predicate.part = TRIGON_PART_FAMILY;
          out.predicate.numbers = {below(4)};
        }
        break;
    }
    return out;
  }

  Workload workload() {
    Workload out;
    if (chance(70)) {
      LabelRequirement name;
      name.key = "name";
      for (size_t i = 0; i < 2; ++i) name.values.push_back(fmt::format("c{}", below(3)));
      out.containers = {name};
    }
    out.host = chance(30);
    return out;
  }

  BinaryFilter binary() {
    BinaryFilter out;
    out.predicate = text(false);
    out.parent = chance(30);
    out.follow_children = chance(30);
    if (!out.follow_children) return out;
    if (out.predicate.match == Match::kPostfix) out.predicate.match = Match::kPrefix;
    for (std::string& s : out.predicate.strings) {
      if (s.empty()) s = "/";
    }
    return out;
  }

  TaskFilter task() {
    TaskFilter out;
    const trigon_source sources[] = {TRIGON_SRC_NAMESPACE, TRIGON_SRC_NS_CHANGES, TRIGON_SRC_CAPS,
                                     TRIGON_SRC_CAP_CHANGES, TRIGON_SRC_CRED};
    out.source = sources[below(5)];
    switch (out.source) {
      case TRIGON_SRC_NAMESPACE:
        out.field = static_cast<uint8_t>(below(TRIGON_NAMESPACES));
        out.predicate.numbers = {below(4), below(4)};
        out.predicate.negated = chance(40);
        break;
      case TRIGON_SRC_CRED:
        out.field = static_cast<uint8_t>(below(TRIGON_CRED_IDS));
        do {
          out.predicate = numbers(false, 32);
        } while (out.predicate.match == Match::kMask);
        break;
      default:
        out.field = static_cast<uint8_t>(out.source == TRIGON_SRC_NS_CHANGES ? 0 : below(TRIGON_CAP_SETS));
        out.predicate = mask(8);
        break;
    }
    return out;
  }

  Selector selector(const Hook& hook) {
    Selector out;
    while (!hook.args.empty() && chance(55) && out.args.size() < 4) {
      if (auto made = filter(hook.args, Role::kArg)) out.args.push_back(*made);
    }
    if (!hook.data.empty() && chance(40)) {
      if (auto made = filter(hook.data, Role::kData)) out.args.push_back(*made);
    }
    if (hook.return_arg) {
      while (chance(40)) {
        if (auto made = filter({*hook.return_arg}, Role::kReturn)) out.return_args.push_back(*made);
      }
    }
    while (chance(25)) out.binaries.push_back(binary());
    while (chance(20)) out.tasks.push_back(task());
    while (chance(20)) {
      PidFilter filter;
      filter.negated = chance(40);
      filter.namespace_pid = chance(50);
      filter.follow_forks = chance(50);
      const size_t count = 1 + below(3);
      for (size_t i = 0; i < count; ++i) filter.pids.push_back(1 + static_cast<uint32_t>(below(4)));
      out.pids.push_back(std::move(filter));
    }
    if (chance(10)) out.workload = workload();
    return out;
  }

  Hook hook(size_t position) {
    Hook out;
    out.function = fmt::format("h{}", position);
    out.is_syscall = chance(60);
    out.kind = chance(70) ? HookKind::kKprobe : HookKind::kTracepoint;
    if (out.is_syscall) {
      out.raw_syscalls = out.kind == HookKind::kTracepoint && chance(50);
      out.target.number = static_cast<uint16_t>(below(3));
      if (out.kind == HookKind::kKprobe && chance(20)) out.target.abi = Abi::kI386;
    } else {
      out.point = point();
    }
    const bool returns = out.is_syscall ? !out.raw_syscalls && chance(30) : out.point.returns;
    if (out.raw_syscalls) out.args.push_back(number_arg());
    for (uint8_t i = 0; i < kArgs - 1; ++i) {
      if (!chance(50)) continue;
      out.args.push_back(arg(i));
      if (returns && chance(20)) out.args.back().conf.flags |= TRIGON_CONF_AT_RETURN;
    }
    if (!out.is_syscall && chance(40)) {
      out.data.push_back(arg(0));
      out.data.back().conf.source = TRIGON_FROM_TASK;
      out.data.back().conf.steps = 1;
      out.data.back().conf.off[0] = static_cast<uint32_t>(below(kArgs));
    }
    if (returns) {
      do {
        out.return_arg = arg(0);
      } while (out.return_arg->kind == ValueKind::kNone);
      out.return_arg->conf.source = TRIGON_FROM_RETURN;
    }
    const size_t selectors = 1 + below(4);
    for (size_t i = 0; i < selectors; ++i) {
      out.selectors.push_back(selector(out));
      out.selectors.back().label = fmt::format("s{}", i);
    }
    return out;
  }

  std::mt19937_64 random_;
};

std::string names(std::vector<Winner> winners) {
  std::sort(winners.begin(), winners.end());
  std::string out;
  for (const Winner& w : winners) out += fmt::format("{}.{}.{} ", w.policy, w.hook, w.selector);
  return out;
}

// What a failure has to tell: the shape of the policies is in the seed.
TEST(CompileProperty, TablesAgreeWithPolicies) {
  const Reference reference(resolve);
  size_t compiled = 0, won = 0, events = 0;
  CompileState state;
  for (uint32_t seed = 1; seed <= 2500; ++seed) {
    Generator generator(seed);
    const auto policies = generator.policies();
    // Generations follow one another: slots and programs stay where the change allows it.
    if (seed % 50 == 0 || state.child_sets.size() > 110) state = {};
    const auto set = compile(policies, seed, state, {resolve});
    if (!set.ok()) continue;  // too many fields or dimensions
    ++compiled;
    state = set->state;
    TableInterpreter tables(*set);
    for (int i = 0; i < 60; ++i) {
      const TestEvent event = generator.event();
      std::vector<Winner> actual;
      for (const SelectorRef& ref : tables.matches(event)) {
        actual.push_back({ref.spec->policy, ref.spec->function, ref.info.label});
      }
      const std::string expected = names(reference.evaluate(policies, event));
      ASSERT_EQ(names(actual), expected) << "seed " << seed << ", event " << i;
      ++events;
      won += expected.empty() ? 0 : 1;
    }
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
  }
  // The comparison is worth something only if both answers occur.
  EXPECT_GT(compiled, 2000u);
  EXPECT_GE(events, 100000u);
  EXPECT_GT(won, events / 20);
  EXPECT_LT(won, events * 9 / 10);
}

}  // namespace
}  // namespace trigon::policy
