#include "policy/types.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace trigon::policy {
namespace {

// Largest buffer that users of the format expect whole without maxData (facts, 2.3).
constexpr uint16_t kBuffer = 4095;
// sizeof(struct sockaddr_storage) of the uapi headers: no address is longer.
constexpr uint16_t kSockaddr = 128;
// IFNAMSIZ (linux/if.h).
constexpr uint16_t kDeviceName = 16;
// Facts, 2.2: const_buf.
constexpr uint16_t kConstBuffer = 1023;
constexpr uint16_t kPath = TRIGON_MAX_PATH;

// Sockets of every family start with a struct sock (include/net/sock.h and those of the protocols).
constexpr std::string_view kSocks =
    "sock inet_sock inet_connection_sock inet_timewait_sock tcp_sock tcp6_sock udp_sock udp6_sock raw_sock raw6_sock "
    "ping_sock unix_sock netlink_sock packet_sock vsock_sock alg_sock sctp_sock";
// Since 6.19 functions take the unsized one.
constexpr std::string_view kAddresses =
    "sockaddr sockaddr_unsized sockaddr_storage sockaddr_in sockaddr_in6 sockaddr_un __kernel_sockaddr_storage";
// kernel_cap_t has no other name since 6.3.
constexpr std::string_view kCapabilityTypes = "kernel_cap_t kernel_cap_struct";

constexpr Shape kAny = Shape::kAny, kText = Shape::kText, kBytes = Shape::kBytes, kObject = Shape::kObject,
                kRecord = Shape::kRecord;
constexpr ValueKind kNone = ValueKind::kNone, kString = ValueKind::kString, kSocket = ValueKind::kSocket,
                    kSockaddrUn = ValueKind::kSockaddrUn;
constexpr Notation kCapability = Notation::kCapability, kCapabilitySet = Notation::kCapabilitySet;

// clang-format off
constexpr TypeInfo kTypes[] = {
    {"int", TRIGON_ARG_INT32, ValueKind::kNumber, true, 32, 0, Shape::kNumber, {}, true},
    {"sint32", TRIGON_ARG_INT32, ValueKind::kNumber, true, 32, 0, Shape::kNumber, {}, true},
    {"int32", TRIGON_ARG_INT32, ValueKind::kNumber, true, 32, 0, Shape::kNumber, {}, true},
    {"uint32", TRIGON_ARG_UINT32, ValueKind::kNumber, false, 32, 0, Shape::kNumber, {}, true},
    {"uint", TRIGON_ARG_UINT32, ValueKind::kNumber, false, 32, 0, Shape::kNumber, {}, true},
    {"sint16", TRIGON_ARG_INT16, ValueKind::kNumber, true, 16, 0, Shape::kNumber, {}, true},
    {"int16", TRIGON_ARG_INT16, ValueKind::kNumber, true, 16, 0, Shape::kNumber, {}, true},
    {"uint16", TRIGON_ARG_UINT16, ValueKind::kNumber, false, 16, 0, Shape::kNumber, {}, true},
    {"sint8", TRIGON_ARG_INT8, ValueKind::kNumber, true, 8, 0, Shape::kNumber, {}, true},
    {"int8", TRIGON_ARG_INT8, ValueKind::kNumber, true, 8, 0, Shape::kNumber, {}, true},
    {"uint8", TRIGON_ARG_UINT8, ValueKind::kNumber, false, 8, 0, Shape::kNumber, {}, true},
    {"long", TRIGON_ARG_INT64, ValueKind::kNumber, true, 64, 0, Shape::kNumber, {}, true},
    {"sint64", TRIGON_ARG_INT64, ValueKind::kNumber, true, 64, 0, Shape::kNumber, {}, true},
    {"int64", TRIGON_ARG_INT64, ValueKind::kNumber, true, 64, 0, Shape::kNumber, {}, true},
    {"ulong", TRIGON_ARG_UINT64, ValueKind::kNumber, false, 64, 0, Shape::kNumber, {}, true},
    {"uint64", TRIGON_ARG_UINT64, ValueKind::kNumber, false, 64, 0, Shape::kNumber, {}, true},
    {"size_t", TRIGON_ARG_UINT64, ValueKind::kNumber, false, 64, 0, Shape::kNumber, {}, true},
    {"capability", TRIGON_ARG_INT32, ValueKind::kNumber, true, 32, 0, Shape::kNumber, {}, true, kCapability},
    {"bpf_cmd", TRIGON_ARG_INT32, ValueKind::kNumber, true, 32, 0, Shape::kNumber, {}, true},
    {"fd", TRIGON_ARG_FD, ValueKind::kPath, false, 0, kPath, Shape::kNumber, {}, true},
    {"syscall64", TRIGON_ARG_SYSCALL, ValueKind::kNumber, false, 64, 0, kRecord, {}, true},

    {"string", TRIGON_ARG_STRING, kString, false, 0, kPath, kText, {}, true},
    {"char_buf", TRIGON_ARG_CHAR_BUF, kString, false, 0, kBuffer, kBytes, {}, true},
    {"char_iovec", TRIGON_ARG_CHAR_IOVEC, kString, false, 0, kBuffer, kObject, "iovec", true},
    {"sockaddr", TRIGON_ARG_SOCKADDR, ValueKind::kSockaddr, false, 0, kSockaddr, kObject, kAddresses, true},
    {"sockaddr_un", TRIGON_ARG_SOCKADDR, kSockaddrUn, false, 0, kSockaddr, kObject, kAddresses, true},
    {"iov_iter", TRIGON_ARG_IOV_ITER, kString, false, 0, kBuffer, kObject, "iov_iter"},
    {"filename", TRIGON_ARG_FILENAME, kString, false, 0, kPath, kObject, "filename"},
    {"net_device", TRIGON_ARG_NET_DEVICE, kString, false, 0, kDeviceName, kObject, "net_device"},
    {"data_loc", TRIGON_ARG_DATA_LOC, kString, false, 0, kPath, kRecord},
    {"const_buf", TRIGON_ARG_CONST_BUF, kString, false, 0, kConstBuffer, kRecord},

    {"file", TRIGON_ARG_FILE, ValueKind::kPath, false, 0, kPath, kObject, "file"},
    {"path", TRIGON_ARG_PATH, ValueKind::kPath, false, 0, kPath, kObject, "path"},
    {"dentry", TRIGON_ARG_DENTRY, ValueKind::kPath, false, 0, kPath, kObject, "dentry"},
    {"kiocb", TRIGON_ARG_KIOCB, ValueKind::kPath, false, 0, kPath, kObject, "kiocb"},
    {"linux_binprm", TRIGON_ARG_BINPRM, ValueKind::kPath, false, 0, kPath, kObject, "linux_binprm"},

    {"skb", TRIGON_ARG_SKB, kSocket, false, 0, 0, kObject, "sk_buff"},
    {"sock", TRIGON_ARG_SOCK, kSocket, false, 0, 0, kObject, kSocks},
    {"socket", TRIGON_ARG_SOCKET, kSocket, false, 0, 0, kObject, "socket"},

    {"cred", TRIGON_ARG_CRED, kNone, false, 0, 0, kObject, "cred"},
    {"user_namespace", TRIGON_ARG_USER_NS, kNone, false, 0, 0, kObject, "user_namespace"},
    {"kernel_cap_t", TRIGON_ARG_CAP_SET, ValueKind::kNumber, false, 64, 0, kObject, kCapabilityTypes, false,
     kCapabilitySet},
    {"cap_inheritable", TRIGON_ARG_CAP_SET, ValueKind::kNumber, false, 64, 0, kObject, kCapabilityTypes, false,
     kCapabilitySet},
    {"cap_permitted", TRIGON_ARG_CAP_SET, ValueKind::kNumber, false, 64, 0, kObject, kCapabilityTypes, false,
     kCapabilitySet},
    {"cap_effective", TRIGON_ARG_CAP_SET, ValueKind::kNumber, false, 64, 0, kObject, kCapabilityTypes, false,
     kCapabilitySet},
    {"load_info", TRIGON_ARG_LOAD_INFO, kNone, false, 0, 0, kObject, "load_info"},
    {"module", TRIGON_ARG_MODULE, kNone, false, 0, 0, kObject, "module"},
    {"bpf_attr", TRIGON_ARG_BPF_ATTR, kNone, false, 0, 0, kObject, "bpf_attr"},
    {"bpf_prog", TRIGON_ARG_BPF_PROG, kNone, false, 0, 0, kObject, "bpf_prog"},
    {"bpf_map", TRIGON_ARG_BPF_MAP, kNone, false, 0, 0, kObject, "bpf_map"},
    {"perf_event", TRIGON_ARG_PERF_EVENT, kNone, false, 0, 0, kObject, "perf_event"},
    {"nop", TRIGON_ARG_NONE, kNone, false, 0, 0, kAny, {}, true},
};
// clang-format on

bool is_word_of(std::string_view words, std::string_view word) {
  if (word.empty()) return false;
  while (!words.empty()) {
    const size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

bool is_integer(const KernelType& type) {
  return type.kind == KernelType::Kind::kInteger || type.kind == KernelType::Kind::kEnum;
}

bool is_characters(std::string_view name) { return name == "char" || name == "signed char" || name == "unsigned char"; }

std::string_view prefix_of(KernelType::Kind kind) {
  switch (kind) {
    case KernelType::Kind::kStruct:
      return "struct ";
    case KernelType::Kind::kUnion:
      return "union ";
    case KernelType::Kind::kEnum:
      return "enum ";
    default:
      return "";
  }
}

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

const TypeInfo* number_type(bool is_signed, uint32_t bytes) {
  switch (bytes) {
    case 1:
      return find_type(is_signed ? "sint8" : "uint8");
    case 2:
      return find_type(is_signed ? "sint16" : "uint16");
    case 4:
      return find_type(is_signed ? "int" : "uint32");
    case 8:
      return find_type(is_signed ? "sint64" : "uint64");
    default:
      return nullptr;
  }
}

const TypeInfo* natural_type(const KernelType& type) {
  if (is_integer(type)) return number_type(type.is_signed, type.size);
  const bool pointer = type.kind == KernelType::Kind::kPointer;
  const bool array = type.kind == KernelType::Kind::kArray;
  if ((pointer || array) && is_characters(type.name)) return find_type("string");
  const bool object = type.kind == KernelType::Kind::kStruct || type.kind == KernelType::Kind::kUnion;
  if (!pointer && !object) return nullptr;
  for (const TypeInfo& info : kTypes) {
    if (info.shape == kObject && is_word_of(info.objects, type.name)) return &info;
  }
  return nullptr;
}

bool accepts(const TypeInfo& info, const KernelType& type) {
  using Kind = KernelType::Kind;
  const bool pointer = type.kind == Kind::kPointer;
  switch (info.shape) {
    case kAny:
      return true;
    case Shape::kNumber:
      // A pointer is a number for whoever asks for 64 bits of it.
      return (is_integer(type) && type.size <= 8) || (pointer && info.bits == 64);
    case kText:
      return (pointer && (type.pointee == Kind::kVoid || type.pointee == Kind::kInteger)) ||
             (type.kind == Kind::kArray && is_characters(type.name));
    case kBytes:
      return pointer || type.kind == Kind::kArray;
    case kObject:
      if (pointer && type.pointee == Kind::kVoid) return true;
      if (pointer && type.pointee != Kind::kStruct && type.pointee != Kind::kUnion) return false;
      return (pointer || type.kind == Kind::kStruct || type.kind == Kind::kUnion) &&
             is_word_of(info.objects, type.name);
    case kRecord:
      break;
  }
  return false;
}

std::string describe(const KernelType& type) {
  const std::string name = type.name.empty() ? "?" : type.name;
  switch (type.kind) {
    case KernelType::Kind::kVoid:
      return "void";
    case KernelType::Kind::kPointer:
      if (type.pointee == KernelType::Kind::kVoid) return "void *";
      if (type.pointee == KernelType::Kind::kPointer) return "pointer to a pointer";
      if (type.pointee == KernelType::Kind::kOther) return "pointer to a function";
      return fmt::format("{}{} *", prefix_of(type.pointee), name);
    case KernelType::Kind::kArray:
      return fmt::format("array of {}{}, {} bytes", prefix_of(type.pointee), name, type.size);
    case KernelType::Kind::kStruct:
    case KernelType::Kind::kUnion:
    case KernelType::Kind::kEnum:
      return fmt::format("{}{}", prefix_of(type.kind), name);
    default:
      return name;
  }
}

uint64_t smallest(bool is_signed, uint8_t bits) { return is_signed ? ~0ULL << (bits - 1) : 0; }

uint64_t largest(bool is_signed, uint8_t bits) {
  const uint64_t all = bits == 64 ? ~0ULL : (1ULL << bits) - 1;
  return is_signed ? all >> 1 : all;
}

Result<uint64_t> parse_number(std::string_view text, bool is_signed, uint8_t bits, bool as_bits, bool decimal) {
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
  } else if (!decimal && digits.size() > 1 && digits.starts_with('0')) {
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
