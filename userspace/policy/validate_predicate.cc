#include "policy/validate_predicate.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "policy/types.h"

namespace trigon::policy {
namespace {

enum class Syntax { kNumbers, kOne, kBits, kRanges, kText };

struct Operator {
  std::string_view name;
  ValueKind kind;
  Match match;
  Syntax syntax;
  bool negated;
};

constexpr Operator kOperators[] = {
    {"Equal", ValueKind::kNumber, Match::kNumbers, Syntax::kNumbers, false},
    {"NotEqual", ValueKind::kNumber, Match::kNumbers, Syntax::kNumbers, true},
    {"In", ValueKind::kNumber, Match::kNumbers, Syntax::kNumbers, false},
    {"NotIn", ValueKind::kNumber, Match::kNumbers, Syntax::kNumbers, true},
    {"GreaterThan", ValueKind::kNumber, Match::kRanges, Syntax::kOne, false},
    {"LessThan", ValueKind::kNumber, Match::kRanges, Syntax::kOne, false},
    {"GT", ValueKind::kNumber, Match::kRanges, Syntax::kOne, false},
    {"LT", ValueKind::kNumber, Match::kRanges, Syntax::kOne, false},
    {"Mask", ValueKind::kNumber, Match::kMask, Syntax::kBits, false},
    {"InMap", ValueKind::kNumber, Match::kRanges, Syntax::kRanges, false},
    {"NotInMap", ValueKind::kNumber, Match::kRanges, Syntax::kRanges, true},
    {"InRange", ValueKind::kNumber, Match::kRanges, Syntax::kRanges, false},
    {"NotInRange", ValueKind::kNumber, Match::kRanges, Syntax::kRanges, true},
    {"Equal", ValueKind::kString, Match::kExact, Syntax::kText, false},
    {"NotEqual", ValueKind::kString, Match::kExact, Syntax::kText, true},
    {"In", ValueKind::kString, Match::kExact, Syntax::kText, false},
    {"NotIn", ValueKind::kString, Match::kExact, Syntax::kText, true},
    {"Prefix", ValueKind::kString, Match::kPrefix, Syntax::kText, false},
    {"NotPrefix", ValueKind::kString, Match::kPrefix, Syntax::kText, true},
    {"Postfix", ValueKind::kString, Match::kPostfix, Syntax::kText, false},
    {"NotPostfix", ValueKind::kString, Match::kPostfix, Syntax::kText, true},
};

// Operators of the full language.
constexpr std::string_view kLaterOperators[] = {
    "SPort",     "NotSPort",     "SPortPriv",   "NotSportPriv",       "DPort",     "NotDPort",
    "DPortPriv", "NotDPortPriv", "SAddr",       "NotSAddr",           "DAddr",     "NotDAddr",
    "Protocol",  "Family",       "State",       "CapabilitiesGained", "SubString", "SubStringIgnCase",
    "CelExpr",   "FileType",     "NotFileType",
};

constexpr std::string_view kBinaryOperators[] = {"In", "NotIn", "Prefix", "NotPrefix", "Postfix", "NotPostfix"};
constexpr std::string_view kMembership[] = {"In", "NotIn"};

const Operator* find_operator(std::string_view name, ValueKind kind) {
  for (const Operator& op : kOperators) {
    if (op.name == name && op.kind == kind) return &op;
  }
  return nullptr;
}

std::vector<std::string_view> operator_names(std::optional<ValueKind> kind) {
  std::vector<std::string_view> names;
  for (const Operator& op : kOperators) {
    if (kind && op.kind != *kind) continue;
    if (std::find(names.begin(), names.end(), op.name) == names.end()) names.push_back(op.name);
  }
  return names;
}

// Adds to `predicate` what one value of a number filter says.
class NumberValues {
 public:
  NumberValues(const Fields& filter, const Arg& arg, const Operator& op, Predicate& predicate)
      : filter_(filter), arg_(arg), op_(op), predicate_(predicate) {}

  void read(const std::string& text, Position at) {
    if (text.starts_with("list:")) return filter_.error(at, not_supported("list:"));
    switch (op_.syntax) {
      case Syntax::kRanges:
        return range(text, at);
      case Syntax::kBits:
        return bits(text, at);
      case Syntax::kOne:
        return bound(text, at);
      case Syntax::kNumbers:
      case Syntax::kText:
        break;
    }
    if (const auto value = number(text, at)) predicate_.numbers.push_back(*value);
  }

 private:
  std::optional<uint64_t> number(std::string_view text, Position at, bool as_bits = false) {
    auto value = parse_number(text, arg_.is_signed, arg_.bits, as_bits);
    if (value.ok()) return *value;
    filter_.error(at, fmt::format("{} on type `{}`: {}", op_.name, arg_.type, value.error().message()));
    return std::nullopt;
  }

  void range(std::string_view text, Position at) {
    const size_t colon = text.find(':');
    const auto low = number(text.substr(0, colon), at);
    const auto high = colon == std::string_view::npos ? low : number(text.substr(colon + 1), at);
    if (!low || !high) return;
    const Interval interval{ordered(*low, arg_.is_signed), ordered(*high, arg_.is_signed)};
    if (interval.low > interval.high) {
      return filter_.error(at, fmt::format("{}: the range `{}` is empty", op_.name, text));
    }
    predicate_.ranges.push_back(interval);
  }

  void bits(std::string_view text, Position at) {
    const auto value = number(text, at, true);
    if (!value) return;
    if (*value == 0) return filter_.error(at, "Mask: 0 has no bit that could be set");
    predicate_.mask |= *value;
  }

  void bound(std::string_view text, Position at) {
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

  const Fields& filter_;
  const Arg& arg_;
  const Operator& op_;
  Predicate& predicate_;
};

// Text that the kernel's tables can hold.
bool check_text(const Fields& filter, const std::string& text, Position at) {
  if (text.size() > TRIGON_MAX_STRING_VALUE) {
    filter.error(at,
                 fmt::format("a value has at most {} bytes, this one has {}", TRIGON_MAX_STRING_VALUE, text.size()));
    return false;
  }
  if (text.find('\0') != std::string::npos) {
    filter.error(at, "a value cannot contain a NUL byte");
    return false;
  }
  return true;
}

// The list of values, which must not be empty.
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

std::optional<std::string> operator_name(const Fields& filter) {
  return filter.require("operator") ? filter.string("operator") : std::nullopt;
}

void bad_operator(const Fields& filter, const std::string& name, std::string_view subject,
                  std::span<const std::string_view> valid) {
  const Position at = filter.find("operator")->position;
  auto all = operator_names(std::nullopt);
  const bool other = std::find(all.begin(), all.end(), name) != all.end();
  if (std::find(std::begin(kLaterOperators), std::end(kLaterOperators), name) != std::end(kLaterOperators)) {
    return filter.error(at, not_supported(name));
  }
  if (other) {
    return filter.error(
        at, fmt::format("operator `{}` does not apply to {}, which has {}", name, subject, quoted_list(valid)));
  }
  filter.error(at, fmt::format("unknown operator `{}`{}", name, did_you_mean(name, valid)));
}

}  // namespace

std::optional<Predicate> read_arg_predicate(const Fields& filter, const Arg& arg) {
  const auto name = operator_name(filter);
  if (!name) return std::nullopt;
  if (arg.kind == ValueKind::kNone) {
    if (arg.conf.type == TRIGON_ARG_NONE) {
      filter.error(filter.position(), "an argument of type `nop` is not read and cannot be matched");
    } else {
      filter.error(filter.position(), fmt::format("matching on {} is known but not supported by this version",
                                                  arg.spread > 1 ? "the argument array of raw_syscalls"
                                                                 : fmt::format("type `{}`", arg.type)));
    }
    return std::nullopt;
  }
  const Operator* op = find_operator(*name, arg.kind);
  if (!op) {
    bad_operator(filter, *name, fmt::format("type `{}`", arg.type), operator_names(arg.kind));
    return std::nullopt;
  }
  const size_t before = filter.sink().count();
  const auto values = read_values(filter);
  Predicate predicate;
  predicate.match = op->match;
  predicate.negated = op->negated;
  if (op->syntax == Syntax::kOne && values.size() > 1) {
    filter.error(values[1].second, fmt::format("{} takes one value", op->name));
  }
  for (const auto& [text, at] : values) {
    if (op->syntax != Syntax::kText) {
      NumberValues(filter, arg, *op, predicate).read(text, at);
    } else if (check_text(filter, text, at)) {
      predicate.strings.push_back(text);
    }
  }
  if (filter.sink().count() != before) return std::nullopt;
  return predicate;
}

void check_arg_operator(const Fields& filter) {
  const auto name = operator_name(filter);
  const auto names = operator_names(std::nullopt);
  if (name && std::find(names.begin(), names.end(), *name) == names.end()) bad_operator(filter, *name, "", names);
}

std::optional<Predicate> read_binary_predicate(const Fields& filter) {
  const auto name = operator_name(filter);
  if (!name) return std::nullopt;
  if (std::find(std::begin(kBinaryOperators), std::end(kBinaryOperators), *name) == std::end(kBinaryOperators)) {
    bad_operator(filter, *name, "matchBinaries", kBinaryOperators);
    return std::nullopt;
  }
  const Operator* op = find_operator(*name, ValueKind::kString);
  const size_t before = filter.sink().count();
  Predicate predicate;
  predicate.match = op->match;
  predicate.negated = op->negated;
  for (const auto& [text, at] : read_values(filter)) {
    if (check_text(filter, text, at)) predicate.strings.push_back(text);
  }
  if (filter.sink().count() != before) return std::nullopt;
  return predicate;
}

std::optional<bool> read_membership(const Fields& filter) {
  const auto name = operator_name(filter);
  if (!name) return std::nullopt;
  if (*name == "In") return false;
  if (*name == "NotIn") return true;
  bad_operator(filter, *name, "matchPIDs", kMembership);
  return std::nullopt;
}

}  // namespace trigon::policy
