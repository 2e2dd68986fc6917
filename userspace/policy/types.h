// The argument types of the policy language: what is read, how wide it is, how its values are written, and which types
// of the kernel it may be declared for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bpf/abi/policy.h"
#include "policy/ir.h"
#include "policy/kernel_info.h"

namespace trigon::policy {

// What a value must be in the kernel for a type to make sense of it.
enum class Shape {
  kAny,     // nop
  kNumber,  // an integer or an enumeration; 64-bit types take pointers too
  kText,    // a pointer to characters
  kBytes,   // a pointer to whatever
  kObject,  // a pointer to one of `objects`
  kRecord   // only in the record of a classic tracepoint
};

// How values may be written beside numbers.
enum class Notation { kPlain, kCapability, kCapabilitySet };

struct TypeInfo {
  std::string_view name;
  uint8_t arg_type;  // enum trigon_arg_type
  ValueKind kind;
  bool is_signed;
  uint8_t bits;  // of a number
  uint16_t max;  // bytes kept (trigon_field_conf.max)
  Shape shape;
  std::string_view objects = {};  // kObject: names of structures, separated by blanks; the first is the canonical one
  bool user = false;              // makes sense in a process's memory (uprobes, system calls)
  Notation notation = Notation::kPlain;
};

const TypeInfo* find_type(std::string_view name);  // nullptr: there is no such type
std::vector<std::string_view> type_names();

// The type that says what `type` is, for `auto`; nullptr when nothing does so unambiguously.
const TypeInfo* natural_type(const KernelType& type);
const TypeInfo* number_type(bool is_signed, uint32_t bytes);  // "int", "uint64", …; nullptr: no such width

// Whether a value of that type can be declared as `info`.
bool accepts(const TypeInfo& info, const KernelType& type);
// "struct file *", "unsigned int", "char[16]".
std::string describe(const KernelType& type);

// "-1", "0x1f", "017": must fit the width. With `as_bits` a signed type also takes its bit pattern (masks). `decimal`:
// a leading 0 means nothing.
Result<uint64_t> parse_number(std::string_view text, bool is_signed, uint8_t bits, bool as_bits = false,
                              bool decimal = false);

// The order of Interval: signed values shifted so that they compare as unsigned ones.
constexpr uint64_t ordered(uint64_t value, bool is_signed) { return is_signed ? value ^ (1ULL << 63) : value; }
uint64_t smallest(bool is_signed, uint8_t bits);  // as a 64-bit pattern, not ordered
uint64_t largest(bool is_signed, uint8_t bits);

}  // namespace trigon::policy
