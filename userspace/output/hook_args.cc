#include "output/hook_args.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "output/names.h"
#include "output/text.h"
#include "policy/syscalls.h"

namespace trigon::output {
namespace {

constexpr uint64_t kCompatSyscall = 0x80000000u;
constexpr std::string_view kDeleted = " (deleted)";

struct Address {
  unsigned family = 0;
  std::string text;  // address or path
  uint32_t port = 0;
  bool is_unix = false;
  bool is_inet = false;
};

// Lenient: a socket address that is too short for its family has a family only.
Address parse_address(std::string_view bytes) {
  Address address;
  if (bytes.size() < sizeof(sa_family_t)) return address;
  sa_family_t family;
  std::memcpy(&family, bytes.data(), sizeof(family));
  address.family = family;
  char text[INET6_ADDRSTRLEN];
  if (family == AF_INET && bytes.size() >= offsetof(sockaddr_in, sin_zero)) {
    sockaddr_in in{};
    std::memcpy(&in, bytes.data(), std::min(bytes.size(), sizeof(in)));
    address.text = ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
    address.port = ntohs(in.sin_port);
    address.is_inet = true;
  } else if (family == AF_INET6 && bytes.size() >= offsetof(sockaddr_in6, sin6_scope_id)) {
    sockaddr_in6 in{};
    std::memcpy(&in, bytes.data(), std::min(bytes.size(), sizeof(in)));
    address.text = ::inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof(text));
    address.port = ntohs(in.sin6_port);
    address.is_inet = true;
  } else if (family == AF_UNIX) {
    address.is_unix = true;
    std::string_view path = bytes.substr(offsetof(sockaddr_un, sun_path));
    if (!path.empty() && path[0] == '\0') {
      address.text = "@";  // abstract: all bytes count
      address.text.append(path.substr(1));
    } else {
      address.text = path.substr(0, path.find('\0'));
    }
  }
  return address;
}

std::string_view syscall_abi(uint64_t value) {
#if defined(__aarch64__)
  return value & kCompatSyscall ? "arm32" : "arm64";
#else
  return value & kCompatSyscall ? "i386" : "x64";
#endif
}

void put_family(unsigned family, Buffer* out) {
  if (const std::string_view name = address_family_name(family); !name.empty()) {
    out->append(name);
  } else {
    put_uint(family, out);
  }
}

void put_json_address(std::string_view bytes, Buffer* out) {
  const Address address = parse_address(bytes);
  out->append(address.is_unix ? "{\"sockaddrun_arg\":{\"family\":\"" : "{\"sockaddr_arg\":{\"family\":\"");
  put_family(address.family, out);
  out->append('"');
  if (!address.text.empty()) {
    out->append(address.is_unix ? ",\"path\":" : ",\"addr\":");
    put_string(address.text, out);
  }
  if (address.port != 0) {
    out->append(",\"port\":");
    put_uint(address.port, out);
  }
  out->append('}');
}

void put_json_bytes(const trigon_field& field, std::string_view data, Buffer* out) {
  const bool truncated = (field.flags & TRIGON_FIELD_TRUNCATED) != 0 || data.size() < field.size;
  out->append(truncated ? "{\"truncated_bytes_arg\":{\"bytes_arg\":\"" : "{\"bytes_arg\":\"");
  put_base64(data, out);
  out->append('"');
  if (truncated) {
    out->append(",\"orig_size\":\"");
    put_uint(field.size, out);
    out->append("\"}");
  }
}

// file_arg and path_arg; an empty path is the root.
void put_json_path(std::string_view key, const trigon_field& field, std::string_view data, Buffer* out) {
  out->append(key);
  out->append("{\"path\":\"");
  put_escaped(data.empty() ? "/" : data, out);
  if (field.path_flags & TRIGON_PATH_UNLINKED) out->append(kDeleted);
  out->append((field.path_flags & TRIGON_PATH_TRUNCATED) != 0 || (field.flags & TRIGON_FIELD_TRUNCATED) != 0
                  ? "\",\"flags\":\"unresolvedPathComponents\"}"
                  : "\"}");
}

void put_json_syscall(uint64_t value, Buffer* out) {
  out->append("{\"syscall_id\":{");
  if (const uint64_t number = value & ~kCompatSyscall & 0xffffffffu; number != 0) {
    out->append("\"id\":");
    put_uint(number, out);
    out->append(',');
  }
  out->append("\"abi\":\"");
  out->append(syscall_abi(value));
  out->append("\"}");
}

void put_plain_syscall(uint64_t value, Buffer* out) {
  out->append(syscall_abi(value));
  out->append('/');
  const uint64_t number = value & ~kCompatSyscall & 0xffffffffu;
  const bool compat = (value & kCompatSyscall) != 0;
  const bool is_known_abi = !compat || policy::host_arch() == policy::Arch::kX86_64;
  const policy::Abi abi = compat ? policy::Abi::kI386 : policy::native_abi(policy::host_arch());
  const std::string_view name =
      is_known_abi && number <= UINT16_MAX ? policy::syscall_name(abi, static_cast<uint16_t>(number)) : "";
  if (name.empty()) {
    put_uint(number, out);
  } else {
    out->append(name);
  }
}

// A policy may call a field by a type that this version shows in no special way: then by how the field was read.
ArgForm form_of_field(uint8_t type) {
  switch (type) {
    case TRIGON_ARG_INT64:
      return ArgForm::kLong;
    case TRIGON_ARG_UINT64:
      return ArgForm::kSize;
    case TRIGON_ARG_STRING:
      return ArgForm::kString;
    case TRIGON_ARG_FD:
      return ArgForm::kFile;
    case TRIGON_ARG_CHAR_BUF:
      return ArgForm::kBytes;
    case TRIGON_ARG_SOCKADDR:
      return ArgForm::kSockaddr;
    case TRIGON_ARG_SYSCALL:
      return ArgForm::kSyscall;
    case TRIGON_ARG_UINT32:
    case TRIGON_ARG_UINT16:
    case TRIGON_ARG_UINT8:
      return ArgForm::kUint;
    default:
      return ArgForm::kInt;
  }
}

}  // namespace

ArgForm arg_form(std::string_view type) {
  static constexpr struct {
    std::string_view type;
    ArgForm form;
  } kForms[] = {{"int", ArgForm::kInt},           {"int32", ArgForm::kInt},         {"sint32", ArgForm::kInt},
                {"int16", ArgForm::kInt},         {"sint16", ArgForm::kInt},        {"int8", ArgForm::kInt},
                {"sint8", ArgForm::kInt},         {"uint32", ArgForm::kUint},       {"uint16", ArgForm::kUint},
                {"uint8", ArgForm::kUint},        {"long", ArgForm::kLong},         {"int64", ArgForm::kLong},
                {"sint64", ArgForm::kLong},       {"ulong", ArgForm::kSize},        {"uint64", ArgForm::kSize},
                {"size_t", ArgForm::kSize},       {"string", ArgForm::kString},     {"filename", ArgForm::kString},
                {"net_device", ArgForm::kString}, {"data_loc", ArgForm::kString},   {"char_buf", ArgForm::kBytes},
                {"char_iovec", ArgForm::kBytes},  {"iov_iter", ArgForm::kBytes},    {"fd", ArgForm::kFile},
                {"file", ArgForm::kFile},         {"kiocb", ArgForm::kFile},        {"path", ArgForm::kPath},
                {"dentry", ArgForm::kPath},       {"sockaddr", ArgForm::kSockaddr}, {"sockaddr_un", ArgForm::kSockaddr},
                {"syscall64", ArgForm::kSyscall}};
  for (const auto& entry : kForms) {
    if (entry.type == type) return entry.form;
  }
  return ArgForm::kNothing;
}

void put_json_argument(const event::Hook& hook, const ArgText& arg, Buffer* out) {
  if (arg.field >= hook.record->fields) {
    out->append("{\"error_arg\":{\"Message\":\"not captured\"}");
    out->append(arg.tail);
    return;
  }
  const trigon_field& field = hook.record->field[arg.field];
  const std::string_view data = hook.data(field);
  if (field.flags & TRIGON_FIELD_UNREADABLE) {
    out->append("{\"error_arg\":{\"Message\":\"bad address\"}");
    out->append(arg.tail);
    return;
  }
  switch (arg.form == ArgForm::kNothing ? form_of_field(field.type) : arg.form) {
    case ArgForm::kNothing:
    case ArgForm::kInt:
      out->append("{\"int_arg\":");
      put_int(static_cast<int32_t>(field.value), out);
      break;
    case ArgForm::kUint:
      out->append("{\"uint_arg\":");
      put_uint(static_cast<uint32_t>(field.value), out);
      break;
    case ArgForm::kLong:
      out->append("{\"long_arg\":\"");
      put_int(static_cast<int64_t>(field.value), out);
      out->append('"');
      break;
    case ArgForm::kSize:
      out->append("{\"size_arg\":\"");
      put_uint(field.value, out);
      out->append('"');
      break;
    case ArgForm::kString:
      out->append("{\"string_arg\":");
      put_string(data, out);
      break;
    case ArgForm::kBytes:
      put_json_bytes(field, data, out);
      break;
    case ArgForm::kFile:
      put_json_path("{\"file_arg\":", field, data, out);
      break;
    case ArgForm::kPath:
      put_json_path("{\"path_arg\":", field, data, out);
      break;
    case ArgForm::kSockaddr:
      put_json_address(data, out);
      break;
    case ArgForm::kSyscall:
      put_json_syscall(field.value, out);
      break;
  }
  out->append(arg.tail);
}

void put_plain_argument(const event::Hook& hook, uint8_t field_number, ArgForm form, Buffer* out) {
  if (field_number >= hook.record->fields) {
    out->append('?');
    return;
  }
  const trigon_field& field = hook.record->field[field_number];
  const std::string_view data = hook.data(field);
  if (field.flags & TRIGON_FIELD_UNREADABLE) {
    out->append("<unreadable>");
    return;
  }
  switch (form == ArgForm::kNothing ? form_of_field(field.type) : form) {
    case ArgForm::kNothing:
    case ArgForm::kInt:
      put_int(static_cast<int32_t>(field.value), out);
      break;
    case ArgForm::kUint:
      put_uint(static_cast<uint32_t>(field.value), out);
      break;
    case ArgForm::kLong:
      put_int(static_cast<int64_t>(field.value), out);
      break;
    case ArgForm::kSize:
      put_uint(field.value, out);
      break;
    case ArgForm::kString:
      put_printable(data, out);
      if (field.flags & TRIGON_FIELD_TRUNCATED) out->append("...");
      break;
    case ArgForm::kBytes: {
      constexpr size_t kShown = 64;
      put_printable(data.substr(0, kShown), out);
      if (data.size() > kShown || data.size() < field.size) out->append("...");
      break;
    }
    case ArgForm::kFile:
    case ArgForm::kPath:
      if (field.path_flags & TRIGON_PATH_UNLINKED) {
        std::string path(data);
        put_printable(path.append(kDeleted), out);
      } else {
        put_printable(data.empty() ? "/" : data, out);
      }
      break;
    case ArgForm::kSockaddr: {
      const Address address = parse_address(data);
      if (address.is_inet) {
        const bool v6 = address.family == AF_INET6;
        if (v6) out->append('[');
        out->append(address.text);
        out->append(v6 ? "]:" : ":");
        put_uint(address.port, out);
      } else if (address.is_unix) {
        out->append("unix:");
        put_printable(address.text, out);
      } else {
        put_family(address.family, out);
      }
      break;
    }
    case ArgForm::kSyscall:
      put_plain_syscall(field.value, out);
      break;
  }
}

}  // namespace trigon::output
