#include "policy/validate_predicate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/suggest.h"
#include "policy/addresses.h"
#include "policy/names.h"
#include "policy/types.h"
#include "policy/validate_call.h"

namespace trigon::policy {
namespace {

enum class Syntax { kNumbers, kOne, kBits, kRanges, kText, kLower, kNetworks, kPorts, kNone, kNamed, kGained };

// Sets of ValueKind.
constexpr unsigned in(ValueKind kind) { return 1U << static_cast<unsigned>(kind); }
constexpr unsigned kNumbers = in(ValueKind::kNumber);
constexpr unsigned kTexts = in(ValueKind::kString) | in(ValueKind::kPath) | in(ValueKind::kSockaddrUn);
constexpr unsigned kLongTexts = in(ValueKind::kString) | in(ValueKind::kPath);
constexpr unsigned kPaths = in(ValueKind::kPath);
constexpr unsigned kSockets = in(ValueKind::kSocket);
constexpr unsigned kSources = in(ValueKind::kSocket) | in(ValueKind::kSockaddr);
constexpr unsigned kFamilyKinds = kSources | in(ValueKind::kSockaddrUn);

struct Operator {
  std::string_view name;
  unsigned kinds;  // that it applies to
  Match match;
  Syntax syntax;
  bool negated;
  trigon_part part = TRIGON_PART_VALUE;
};

// clang-format off
constexpr Operator kOperators[] = {
    {"Equal", kNumbers, Match::kNumbers, Syntax::kNumbers, false},
    {"NotEqual", kNumbers, Match::kNumbers, Syntax::kNumbers, true},
    {"In", kNumbers, Match::kNumbers, Syntax::kNumbers, false},
    {"NotIn", kNumbers, Match::kNumbers, Syntax::kNumbers, true},
    {"GreaterThan", kNumbers, Match::kRanges, Syntax::kOne, false},
    {"LessThan", kNumbers, Match::kRanges, Syntax::kOne, false},
    {"GT", kNumbers, Match::kRanges, Syntax::kOne, false},
    {"LT", kNumbers, Match::kRanges, Syntax::kOne, false},
    {"Mask", kNumbers, Match::kMask, Syntax::kBits, false},
    {"InMap", kNumbers, Match::kRanges, Syntax::kRanges, false},
    {"NotInMap", kNumbers, Match::kRanges, Syntax::kRanges, true},
    {"InRange", kNumbers, Match::kRanges, Syntax::kRanges, false},
    {"NotInRange", kNumbers, Match::kRanges, Syntax::kRanges, true},
    {"Capability", kNumbers, Match::kMask, Syntax::kBits, false},
    {"CapabilitiesGained", kNumbers, Match::kMask, Syntax::kGained, false, TRIGON_PART_GAINED},
    {"Equal", kTexts, Match::kExact, Syntax::kText, false},
    {"NotEqual", kTexts, Match::kExact, Syntax::kText, true},
    {"In", kTexts, Match::kExact, Syntax::kText, false},
    {"NotIn", kTexts, Match::kExact, Syntax::kText, true},
    {"Prefix", kTexts, Match::kPrefix, Syntax::kText, false},
    {"NotPrefix", kTexts, Match::kPrefix, Syntax::kText, true},
    {"Postfix", kLongTexts, Match::kPostfix, Syntax::kText, false},
    {"NotPostfix", kLongTexts, Match::kPostfix, Syntax::kText, true},
    {"SubString", kTexts, Match::kSubstring, Syntax::kText, false},
    {"SubStringIgnCase", kTexts, Match::kSubstringIgnoreCase, Syntax::kLower, false},
    {"FileType", kPaths, Match::kNumbers, Syntax::kNamed, false, TRIGON_PART_FILE_TYPE},
    {"NotFileType", kPaths, Match::kNumbers, Syntax::kNamed, true, TRIGON_PART_FILE_TYPE},
    {"SAddr", kSources, Match::kNetworks, Syntax::kNetworks, false, TRIGON_PART_SADDR},
    {"NotSAddr", kSources, Match::kNetworks, Syntax::kNetworks, true, TRIGON_PART_SADDR},
    {"DAddr", kSockets, Match::kNetworks, Syntax::kNetworks, false, TRIGON_PART_DADDR},
    {"NotDAddr", kSockets, Match::kNetworks, Syntax::kNetworks, true, TRIGON_PART_DADDR},
    {"SPort", kSources, Match::kRanges, Syntax::kPorts, false, TRIGON_PART_SPORT},
    {"NotSPort", kSources, Match::kRanges, Syntax::kPorts, true, TRIGON_PART_SPORT},
    {"SPortPriv", kSources, Match::kRanges, Syntax::kNone, false, TRIGON_PART_SPORT},
    {"NotSportPriv", kSources, Match::kRanges, Syntax::kNone, true, TRIGON_PART_SPORT},
    {"DPort", kSockets, Match::kRanges, Syntax::kPorts, false, TRIGON_PART_DPORT},
    {"NotDPort", kSockets, Match::kRanges, Syntax::kPorts, true, TRIGON_PART_DPORT},
    {"DPortPriv", kSockets, Match::kRanges, Syntax::kNone, false, TRIGON_PART_DPORT},
    {"NotDPortPriv", kSockets, Match::kRanges, Syntax::kNone, true, TRIGON_PART_DPORT},
    {"Protocol", kSockets, Match::kNumbers, Syntax::kNamed, false, TRIGON_PART_PROTOCOL},
    {"Family", kFamilyKinds, Match::kNumbers, Syntax::kNamed, false, TRIGON_PART_FAMILY},
    {"State", kSockets, Match::kNumbers, Syntax::kNamed, false, TRIGON_PART_STATE},
};
// clang-format on

// Short spellings that policies written for other versions have.
struct Spelling {
  std::string_view written, name;
};
constexpr Spelling kSpellings[] = {{"eq", "Equal"}, {"neq", "NotEqual"}, {"NotSPortPriv", "NotSportPriv"}};

constexpr std::string_view kCel = "CelExpr";
constexpr std::string_view kBinaryOperators[] = {"In", "NotIn", "Prefix", "NotPrefix", "Postfix", "NotPostfix"};
constexpr std::string_view kMembership[] = {"In", "NotIn"};
// Ports below are for root (PROT_SOCK, net/ip.h).
constexpr uint64_t kPrivilegedPorts = 1024;
constexpr uint8_t kPortBits = 16;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// The name of the table for what is written: itself, or all in lower case, or one of the short forms.
std::string canonical(const std::string& written) {
  for (const Spelling& spelling : kSpellings) {
    if (spelling.written == written) return std::string(spelling.name);
  }
  for (const Operator& op : kOperators) {
    if (op.name == written || lower(op.name) == written) return std::string(op.name);
  }
  return written;
}

// State is of TCP: packets have none. Bits gained and capabilities by name are of sets of them.
bool applies(const Operator& op, const Arg& arg) {
  if (!(op.kinds & in(arg.kind))) return false;
  if (op.part == TRIGON_PART_STATE && arg.conf.type == TRIGON_ARG_SKB) return false;
  const bool of_sets = op.part == TRIGON_PART_GAINED || op.name == "Capability";
  return !of_sets || arg.conf.type == TRIGON_ARG_CAP_SET;
}

const Operator* find_operator(std::string_view name, const Arg& arg) {
  for (const Operator& op : kOperators) {
    if (op.name == name && applies(op, arg)) return &op;
  }
  return nullptr;
}

std::vector<std::string_view> operator_names(const Arg* arg) {
  std::vector<std::string_view> names;
  for (const Operator& op : kOperators) {
    if (arg && !applies(op, *arg)) continue;
    if (std::find(names.begin(), names.end(), op.name) == names.end()) names.push_back(op.name);
  }
  return names;
}

std::span<const NamedNumber> table_of(trigon_part part) {
  switch (part) {
    case TRIGON_PART_FAMILY:
      return kFamilies;
    case TRIGON_PART_PROTOCOL:
      return kProtocols;
    case TRIGON_PART_STATE:
      return kTcpStates;
    default:
      return kFileTypes;
  }
}

std::string_view example_of(trigon_part part) {
  switch (part) {
    case TRIGON_PART_FAMILY:
      return "AF_INET";
    case TRIGON_PART_PROTOCOL:
      return "IPPROTO_TCP";
    case TRIGON_PART_STATE:
      return "TCP_LISTEN";
    default:
      return "reg";
  }
}

// Adds to `predicate` what one value of a filter says.
class ValueReader {
 public:
  ValueReader(const Fields& filter, const Arg& arg, const Operator& op, const Context& context, Predicate& predicate)
      : filter_(filter), arg_(arg), op_(op), context_(context), predicate_(predicate) {
    if (const TypeInfo* info = find_type(arg.type)) notation_ = info->notation;
  }

  void read(const std::string& text, Position at) {
    switch (op_.syntax) {
      case Syntax::kText:
        return add_text(text, at);
      case Syntax::kLower:
        return add_text(lower(text), at);
      case Syntax::kNetworks:
        return network(text, at);
      case Syntax::kNamed:
        return named(text, at);
      case Syntax::kPorts:
        if (auto range = read_interval(filter_, op_.name, text, at, false, kPortBits, true)) {
          predicate_.ranges.push_back(*range);
        }
        return;
      default:
        break;
    }
    if (text.starts_with("list:")) return list(text, at);
    switch (op_.syntax) {
      case Syntax::kRanges:
        return range(text, at);
      case Syntax::kBits:
        return bits(text, at);
      case Syntax::kOne:
        return bound(text, at);
      default:
        break;
    }
    if (const auto value = number(text, at)) predicate_.numbers.push_back(*value);
  }

 private:
  std::optional<uint64_t> number(const std::string& text, Position at, bool as_bits = false) {
    if (notation_ != Notation::kPlain && !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
        text[0] != '-') {
      const size_t before = filter_.sink().count();
      if (notation_ == Notation::kCapability) {
        const auto bit = number_of(kCapabilities, text);
        if (bit) return *bit;
        filter_.error(at, fmt::format("unknown capability `{}`{}", text, suggestion(kCapabilities, text)));
        return std::nullopt;
      }
      const uint64_t mask = read_capabilities(filter_, {{text, at}});
      return filter_.sink().count() == before ? std::optional(mask) : std::nullopt;
    }
    auto value = parse_number(text, arg_.is_signed, arg_.bits, as_bits);
    if (value.ok()) return *value;
    filter_.error(at, fmt::format("{} on type `{}`: {}", op_.name, arg_.type, value.error().message()));
    return std::nullopt;
  }

  void list(const std::string& text, Position at) {
    if (op_.syntax != Syntax::kRanges || op_.name.ends_with("Range") || arg_.conf.type != TRIGON_ARG_SYSCALL) {
      return filter_.error(at, fmt::format("`{}`: lists are values of `InMap` and `NotInMap` on the number of a system "
                                           "call (type `syscall64`)",
                                           text));
    }
    if (const auto numbers = read_syscall_list(text, at, context_)) {
      for (uint64_t number : *numbers) predicate_.ranges.push_back({number, number});
    }
  }

  void range(const std::string& text, Position at) {
    const bool decimal = op_.name.ends_with("Map");  // facts, 3.3: base 10 only
    const size_t before = filter_.sink().count();
    auto interval = read_interval(filter_, op_.name, text, at, arg_.is_signed, arg_.bits, decimal);
    if (interval && filter_.sink().count() == before) predicate_.ranges.push_back(*interval);
  }

  void bits(const std::string& text, Position at) {
    const auto value = number(text, at, true);
    if (!value) return;
    if (*value == 0) return filter_.error(at, fmt::format("{}: 0 has no bit that could be set", op_.name));
    predicate_.mask |= *value;
  }

  void bound(const std::string& text, Position at) {
    const auto value = number(text, at);
    if (!value) return;
    const uint64_t limit = ordered(*value, arg_.is_signed);
    const uint64_t lowest = ordered(smallest(arg_.is_signed, arg_.bits), arg_.is_signed);
    const uint64_t highest = ordered(largest(arg_.is_signed, arg_.bits), arg_.is_signed);
    const bool greater = op_.name == "GT" || op_.name == "GreaterThan";
    if (limit == (greater ? highest : lowest)) {
      return filter_.error(at, fmt::format("{}: no value of type `{}` is {} than {}", op_.name, arg_.type,
                                           greater ? "greater" : "less", text));
    }
    predicate_.ranges.push_back(greater ? Interval{limit + 1, highest} : Interval{lowest, limit - 1});
  }

  void network(const std::string& text, Position at) {
    auto network = parse_network(text);
    if (!network.ok()) return filter_.error(at, fmt::format("{}: {}", op_.name, network.error().message()));
    for (const Network& part : without_ipv4(*network)) predicate_.networks.push_back(part);
  }

  void named(const std::string& text, Position at) {
    const auto table = table_of(op_.part);
    if (const auto number = number_of(table, text)) return predicate_.numbers.push_back(*number);
    const auto number = parse_number(text, false, 16);
    if (number.ok() && op_.part != TRIGON_PART_FILE_TYPE) return predicate_.numbers.push_back(*number);
    const std::string near = suggestion(table, text);
    filter_.error(at, fmt::format("{}: unknown name `{}`{}", op_.name, text,
                                  near.empty() ? fmt::format(" (a name like `{}`)", example_of(op_.part)) : near));
  }

  void add_text(std::string text, Position at);

  const Fields& filter_;
  const Arg& arg_;
  const Operator& op_;
  const Context& context_;
  Predicate& predicate_;
  Notation notation_ = Notation::kPlain;
};

// Text that the kernel's tables can hold. A NUL at the end says what is so anyway: the text ends there.
bool check_text(const Fields& filter, std::string& text, Position at) {
  if (text.ends_with('\0')) text.pop_back();
  if (text.size() > TRIGON_MAX_VALUE) {
    filter.error(at, fmt::format("a value has at most {} bytes, this one has {}", TRIGON_MAX_VALUE, text.size()));
    return false;
  }
  if (text.find('\0') != std::string::npos) {
    filter.error(at, "a value cannot contain a NUL byte");
    return false;
  }
  return true;
}

void ValueReader::add_text(std::string text, Position at) {
  if (!check_text(filter_, text, at)) return;
  const bool part = op_.match != Match::kExact;
  if (text.empty() && part) return filter_.error(at, fmt::format("{}: every text has an empty part", op_.name));
  predicate_.strings.push_back(std::move(text));
}

std::optional<std::string> operator_name(const Fields& filter) {
  auto name = filter.require("operator") ? filter.string("operator") : std::nullopt;
  return name ? std::optional(canonical(*name)) : std::nullopt;
}

void bad_operator(const Fields& filter, const std::string& name, std::string_view subject,
                  std::span<const std::string_view> valid) {
  const Position at = filter.find("operator")->position;
  auto all = operator_names(nullptr);
  const bool other = std::find(all.begin(), all.end(), name) != all.end();
  if (name == kCel) {
    return filter.error(at,
                        "operator `CelExpr`: expressions are not decided in the kernel by this version; several "
                        "filters of one selector are combined with AND, several selectors with OR");
  }
  if (other && valid.empty())
    return filter.error(at, fmt::format("{} cannot be matched, it has no operators", subject));
  if (other) {
    return filter.error(
        at, fmt::format("operator `{}` does not apply to {}, which has {}", name, subject, quoted_list(valid)));
  }
  filter.error(at, fmt::format("unknown operator `{}`{}", name, did_you_mean(name, valid.empty() ? all : valid)));
}

void read_gained(const Fields& filter, const Arg* second, Predicate& predicate) {
  if (!second) {
    return filter.error(filter.position(),
                        "CapabilitiesGained compares two arguments: `args: [new, old]`, positions of capability sets");
  }
  if (second->conf.type != TRIGON_ARG_CAP_SET) {
    return filter.error(filter.position(), fmt::format("CapabilitiesGained: the second argument is `{}`, no set of "
                                                       "capabilities",
                                                       second->type));
  }
  const auto values = filter.values("values");
  predicate.mask = values.empty() ? ~0ULL : read_capabilities(filter, values);
}

}  // namespace

std::vector<std::pair<std::string, Position>> read_values(const Fields& filter) {
  const size_t before = filter.sink().count();
  auto values = filter.values("values");
  if (values.empty() && filter.sink().count() == before) {
    const Node* node = filter.find("values");
    filter.error(node ? node->position : filter.position(),
                 fmt::format("{}: `values` is missing or empty", filter.where()));
  }
  return values;
}

std::optional<Interval> read_interval(const Fields& filter, std::string_view name, std::string_view text, Position at,
                                      bool is_signed, uint8_t bits, bool decimal) {
  const size_t colon = text.find(':');
  const auto read = [&](std::string_view part) -> std::optional<uint64_t> {
    auto value = parse_number(part, is_signed, bits, false, decimal);
    if (value.ok()) return *value;
    filter.error(at, fmt::format("{}: {}", name, value.error().message()));
    return std::nullopt;
  };
  const auto low = read(text.substr(0, colon));
  const auto high = colon == std::string_view::npos ? low : read(text.substr(colon + 1));
  if (!low || !high) return std::nullopt;
  const Interval interval{ordered(*low, is_signed), ordered(*high, is_signed)};
  if (interval.low <= interval.high) return interval;
  filter.error(at, fmt::format("{}: the range `{}` is empty", name, text));
  return std::nullopt;
}

uint64_t read_capabilities(const Fields& filter, const std::vector<std::pair<std::string, Position>>& values) {
  uint64_t mask = 0;
  for (const auto& [text, at] : values) {
    std::string_view rest = text;
    while (true) {
      const size_t comma = std::min(rest.find(','), rest.size());
      std::string_view name = rest.substr(0, comma);
      while (name.starts_with(' ')) name.remove_prefix(1);
      while (name.ends_with(' ')) name.remove_suffix(1);
      if (const auto bit = number_of(kCapabilities, name)) {
        mask |= 1ULL << *bit;
      } else {
        filter.error(at, fmt::format("unknown capability `{}`{}", name, suggestion(kCapabilities, name)));
      }
      if (comma == rest.size()) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return mask;
}

std::optional<Predicate> read_arg_predicate(const Fields& filter, const Arg& arg, const Arg* second,
                                            const Context& context) {
  const auto name = operator_name(filter);
  if (!name) return std::nullopt;
  if (arg.kind == ValueKind::kNone) {
    if (arg.conf.type == TRIGON_ARG_NONE) {
      filter.error(filter.position(), "an argument of type `nop` is not read and cannot be matched");
      return std::nullopt;
    }
    if (arg.spread > 1) {
      filter.error(filter.position(), "an array of numbers cannot be matched as a whole");
      return std::nullopt;
    }
  }
  const Operator* op = find_operator(*name, arg);
  if (!op) {
    bad_operator(filter, *name, fmt::format("type `{}`", arg.type), operator_names(&arg));
    return std::nullopt;
  }
  if (second && op->syntax != Syntax::kGained) {
    filter.error(filter.find("args")->position, fmt::format("args: {} compares one argument, only CapabilitiesGained "
                                                            "takes two",
                                                            op->name));
    return std::nullopt;
  }
  const size_t before = filter.sink().count();
  Predicate predicate;
  predicate.match = op->match;
  predicate.part = op->part;
  predicate.negated = op->negated;
  if (op->syntax == Syntax::kNone) {
    if (filter.find("values") && !filter.values("values").empty()) {
      filter.error(filter.find("values")->position, fmt::format("{} takes no values", op->name));
    }
    predicate.ranges.push_back({0, kPrivilegedPorts - 1});
  } else if (op->syntax == Syntax::kGained) {
    read_gained(filter, second, predicate);
  } else {
    const auto values = read_values(filter);
    if (op->syntax == Syntax::kOne && values.size() > 1) {
      filter.error(values[1].second, fmt::format("{} takes one value", op->name));
    }
    ValueReader reader(filter, arg, *op, context, predicate);
    for (const auto& [text, at] : values) reader.read(text, at);
  }
  if (filter.sink().count() != before) return std::nullopt;
  return predicate;
}

void check_arg_operator(const Fields& filter) {
  const auto name = operator_name(filter);
  const auto names = operator_names(nullptr);
  if (name && std::find(names.begin(), names.end(), *name) == names.end()) bad_operator(filter, *name, "", names);
}

std::optional<Predicate> read_binary_predicate(const Fields& filter, std::string_view block) {
  const auto name = operator_name(filter);
  if (!name) return std::nullopt;
  if (std::find(std::begin(kBinaryOperators), std::end(kBinaryOperators), *name) == std::end(kBinaryOperators)) {
    bad_operator(filter, *name, block, kBinaryOperators);
    return std::nullopt;
  }
  const size_t before = filter.sink().count();
  Predicate predicate;
  predicate.match = name->ends_with("Prefix")    ? Match::kPrefix
                    : name->ends_with("Postfix") ? Match::kPostfix
                                                 : Match::kExact;
  predicate.negated = name->starts_with("Not");
  for (auto& [text, at] : read_values(filter)) {
    std::string value = text;
    if (!check_text(filter, value, at)) continue;
    if (value.empty()) {
      filter.error(at, fmt::format("{}: expected the path of a program, found nothing", block));
      continue;
    }
    predicate.strings.push_back(std::move(value));
  }
  if (filter.sink().count() != before) return std::nullopt;
  return predicate;
}

std::optional<bool> read_membership(const Fields& filter, std::string_view block) {
  const auto name = operator_name(filter);
  if (!name) return std::nullopt;
  if (*name == "In") return false;
  if (*name == "NotIn") return true;
  bad_operator(filter, *name, block, kMembership);
  return std::nullopt;
}

}  // namespace trigon::policy
