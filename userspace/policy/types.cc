#include "policy/types.h"

#include <fmt/format.h>

#include <charconv>

namespace trigon::policy {
namespace {

constexpr TypeInfo kTypes[] = {
    {"int", TRIGON_ARG_INT32, ValueKind::kNumber, true, 32},
    {"sint32", TRIGON_ARG_INT32, ValueKind::kNumber, true, 32},
    {"int32", TRIGON_ARG_INT32, ValueKind::kNumber, true, 32},
    {"uint32", TRIGON_ARG_UINT32, ValueKind::kNumber, false, 32},
    {"uint", TRIGON_ARG_UINT32, ValueKind::kNumber, false, 32},
    {"sint16", TRIGON_ARG_INT16, ValueKind::kNumber, true, 16},
    {"int16", TRIGON_ARG_INT16, ValueKind::kNumber, true, 16},
    {"uint16", TRIGON_ARG_UINT16, ValueKind::kNumber, false, 16},
    {"sint8", TRIGON_ARG_INT8, ValueKind::kNumber, true, 8},
    {"int8", TRIGON_ARG_INT8, ValueKind::kNumber, true, 8},
    {"uint8", TRIGON_ARG_UINT8, ValueKind::kNumber, false, 8},
    {"long", TRIGON_ARG_INT64, ValueKind::kNumber, true, 64},
    {"sint64", TRIGON_ARG_INT64, ValueKind::kNumber, true, 64},
    {"int64", TRIGON_ARG_INT64, ValueKind::kNumber, true, 64},
    {"ulong", TRIGON_ARG_UINT64, ValueKind::kNumber, false, 64},
    {"uint64", TRIGON_ARG_UINT64, ValueKind::kNumber, false, 64},
    {"size_t", TRIGON_ARG_UINT64, ValueKind::kNumber, false, 64},
    {"string", TRIGON_ARG_STRING, ValueKind::kString, false, 0},
    {"fd", TRIGON_ARG_FD, ValueKind::kString, false, 0},
    {"char_buf", TRIGON_ARG_CHAR_BUF, ValueKind::kString, false, 0},
    {"sockaddr", TRIGON_ARG_SOCKADDR, ValueKind::kNone, false, 0},
    {"syscall64", TRIGON_ARG_SYSCALL, ValueKind::kNumber, false, 64},
    {"nop", TRIGON_ARG_NONE, ValueKind::kNone, false, 0},
};

constexpr std::string_view kLaterTypes[] = {
    "auto",           "char_iovec",      "skb",           "sock",
    "socket",         "sockaddr_un",     "file",          "filename",
    "path",           "bpf_attr",        "perf_event",    "bpf_map",
    "user_namespace", "capability",      "kiocb",         "iov_iter",
    "cred",           "const_buf",       "load_info",     "module",
    "kernel_cap_t",   "cap_inheritable", "cap_permitted", "cap_effective",
    "linux_binprm",   "data_loc",        "net_device",    "bpf_cmd",
    "dentry",         "bpf_prog",
};

}  // namespace

const TypeInfo* find_type(std::string_view name) {
  for (const TypeInfo& type : kTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

std::vector<std::string_view> type_names() {
  std::vector<std::string_view> names;
  for (const TypeInfo& type : kTypes) names.push_back(type.name);
  return names;
}

std::span<const std::string_view> later_types() { return kLaterTypes; }

uint64_t smallest(bool is_signed, uint8_t bits) { return is_signed ? ~0ULL << (bits - 1) : 0; }

uint64_t largest(bool is_signed, uint8_t bits) {
  const uint64_t all = bits == 64 ? ~0ULL : (1ULL << bits) - 1;
  return is_signed ? all >> 1 : all;
}

Result<uint64_t> parse_number(std::string_view text, bool is_signed, uint8_t bits, bool as_bits) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.starts_with("0o") || digits.starts_with("0O")) {
    base = 8;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits.starts_with('0')) {
    base = 8;
    digits.remove_prefix(1);
  }
  uint64_t magnitude = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  if (code == std::errc::invalid_argument || end != digits.data() + digits.size()) {
    return Error(ErrorCode::kInvalidPolicy, fmt::format("expected a number, found `{}`", text));
  }
  const uint64_t top = as_bits ? largest(false, bits) : largest(is_signed, bits);
  const uint64_t bottom = is_signed ? largest(true, bits) + 1 : 0;  // magnitude of the smallest value
  if (code == std::errc() && !negative && magnitude <= top) return magnitude;
  if (code == std::errc() && negative && magnitude <= bottom) {
    const uint64_t value = ~magnitude + 1;
    return as_bits ? value & largest(false, bits) : value;
  }
  const std::string range =
      is_signed ? fmt::format("{} to {}", static_cast<int64_t>(smallest(true, bits)), largest(true, bits))
                : fmt::format("0 to {}", largest(false, bits));
  return Error(ErrorCode::kInvalidPolicy, fmt::format("{} does not fit {} bits ({})", text, bits, range));
}

}  // namespace trigon::policy
