// The argument types of the policy language: what is read, how wide it is, how its values are written.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bpf/abi/policy.h"
#include "policy/ir.h"

namespace trigon::policy {

struct TypeInfo {
  std::string_view name;
  uint8_t arg_type;  // enum trigon_arg_type
  ValueKind kind;
  bool is_signed;
  uint8_t bits;
};

const TypeInfo* find_type(std::string_view name);  // nullptr: not a type of this version
std::vector<std::string_view> type_names();
// Types of the full language that this version does not carry.
std::span<const std::string_view> later_types();

// "-1", "0x1f", "017": must fit the width. With `as_bits` a signed type also takes its bit pattern (masks).
Result<uint64_t> parse_number(std::string_view text, bool is_signed, uint8_t bits, bool as_bits = false);

// The order of Interval: signed values shifted so that they compare as unsigned ones.
constexpr uint64_t ordered(uint64_t value, bool is_signed) { return is_signed ? value ^ (1ULL << 63) : value; }
uint64_t smallest(bool is_signed, uint8_t bits);  // as a 64-bit pattern, not ordered
uint64_t largest(bool is_signed, uint8_t bits);

}  // namespace trigon::policy
