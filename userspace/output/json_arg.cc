#include "output/json_arg.h"

#include "output/json_structures.h"
#include "output/names.h"
#include "output/socket_text.h"
#include "output/syscall_text.h"
#include "output/text.h"

namespace trigon::output {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

bool put_error(std::string_view message, Buffer* out) {
  out->append("{\"error_arg\":{\"Message\":\"");
  out->append(message);
  out->append("\"}");
  return false;
}

void put_bytes(const event::Hook& hook, uint8_t number, Buffer* out) {
  const trigon_field& field = hook.record->field[number];
  const std::string_view data = hook.data(number);
  const bool is_buffer =
      form_of(ArgForm::kByField, field.type) == ArgForm::kBytes;  // of others `size` is something else
  const bool truncated = (is_buffer && data.size() < field.size) ||
                         ((field.flags & TRIGON_FIELD_TRUNCATED) != 0 && !hook.is_whole(number));
  out->append(truncated ? "{\"truncated_bytes_arg\":{\"bytes_arg\":\"" : "{\"bytes_arg\":\"");
  put_base64(data, out);
  out->append('"');
  if (!truncated) return;
  if (is_buffer && field.size != 0) {
    out->append(",\"orig_size\":\"");
    put_uint(field.size, out);
    out->append('"');
  }
  out->append('}');
}

// As `ls -l` shows it. mode: i_mode.
void put_permission(uint32_t mode, Buffer* out) {
  static constexpr char kTypes[] = "?pc?d?b?-?l?s???";  // by mode >> 12, S_IF* of stat.h
  char* const to = out->reserve(10);
  to[0] = kTypes[mode >> 12 & 0xf];
  for (int i = 0; i < 9; ++i) to[i + 1] = (mode >> (8 - i) & 1) != 0 ? "rwx"[i % 3] : '-';
  const auto special = [&](uint32_t bit, int at, char with_x, char without) {
    if ((mode & bit) != 0) to[at] = to[at] == 'x' ? with_x : without;
  };
  special(04000, 3, 's', 'S');
  special(02000, 6, 's', 'S');
  special(01000, 9, 't', 'T');
  out->advance(10);
}

// file_arg, path_arg and linux_binprm_arg; an empty path is the root.
void put_path(std::string_view key, const trigon_field& field, std::string_view data, Buffer* out) {
  out->append(key);
  put_escaped(data.empty() ? "/" : data, out);
  if (field.path_flags & TRIGON_PATH_UNLINKED) out->append(kDeleted);
  if ((field.path_flags & (TRIGON_PATH_TRUNCATED | TRIGON_PATH_ERROR)) != 0 ||
      (field.flags & TRIGON_FIELD_TRUNCATED) != 0) {
    out->append("\",\"flags\":\"unresolvedPathComponents");
  }
  if (field.size != 0) {
    out->append("\",\"permission\":\"");
    put_permission(field.size, out);
  }
  out->append("\"}");
}

void put_sockaddr(std::string_view bytes, Buffer* out) {
  const SocketAddress address = parse_socket_address(bytes);
  const bool is_unix = address.kind == SocketAddress::Kind::kUnix;
  out->append(is_unix ? "{\"sockaddrun_arg\":{\"family\":\"" : "{\"sockaddr_arg\":{\"family\":\"");
  put_name(address_family_name(address.family), address.family, out);
  if (address.kind == SocketAddress::Kind::kInet) {
    out->append("\",\"addr\":\"");
    put_ip(address.family, address.ip, out);
  } else if (is_unix && (address.abstract || !address.path.empty())) {
    out->append(address.abstract ? "\",\"path\":\"@" : "\",\"path\":\"");
    put_escaped(address.path, out);
  }
  out->append('"');
  if (address.port != 0) {
    out->append(",\"port\":");
    put_uint(address.port, out);
  }
  out->append('}');
}

void put_capability(uint64_t value, Buffer* out) {
  out->append("{\"capability_arg\":{\"value\":");
  put_int(static_cast<int32_t>(value), out);
  out->append(",\"name\":\"");
  put_name(capability_name(static_cast<unsigned>(value)), static_cast<uint32_t>(value), out);
  out->append("\"}");
}

// A set of capabilities: sixteen digits.
void put_capability_mask(std::string_view key, uint64_t value, Buffer* out) {
  out->append(key);
  put_hex16(value, out);
  out->append('"');
}

void put_bpf_command(uint64_t value, Buffer* out) {
  const std::string_view name = bpf_command_name(static_cast<unsigned>(value));
  out->append("{\"bpf_cmd_arg\":");
  if (name.empty()) return put_int(static_cast<int32_t>(value), out);
  put_string(name, out);
}

void put_syscall(uint64_t value, Buffer* out) {
  out->append("{\"syscall_id\":{");
  if (const uint32_t number = syscall_number(value); number != 0) {
    out->append("\"id\":");
    put_uint(number, out);
    out->append(',');
  }
  out->append("\"abi\":\"");
  out->append(syscall_abi(value));
  out->append("\"}");
}

template <typename Structure, typename Put>
bool put_structure(const event::Hook& hook, uint8_t field, std::string_view key, Buffer* out, Put put) {
  Structure structure;
  if (!hook.structure(field, &structure)) return put_error("bad address", out);
  out->append(key);
  put(structure, out);
  return true;
}

// Up to the closing brace.
bool put_value(const event::Hook& hook, uint8_t number, ArgForm form, uint32_t host_user_ns, Buffer* out) {
  const trigon_field& field = hook.record->field[number];
  switch (form) {
    case ArgForm::kByField:
    case ArgForm::kForms:
    case ArgForm::kInt:
      out->append("{\"int_arg\":");
      put_int(static_cast<int32_t>(field.value), out);
      return true;
    case ArgForm::kUint:
      out->append("{\"uint_arg\":");
      put_uint(static_cast<uint32_t>(field.value), out);
      return true;
    case ArgForm::kLong:
      out->append("{\"long_arg\":\"");
      put_int(static_cast<int64_t>(field.value), out);
      out->append('"');
      return true;
    case ArgForm::kSize:
      out->append("{\"size_arg\":\"");
      put_uint(field.value, out);
      out->append('"');
      return true;
    case ArgForm::kString: {
      std::string_view text = hook.data(number);
      if (field.type == TRIGON_ARG_CONST_BUF) text = text.substr(0, text.find('\0'));
      out->append("{\"string_arg\":");
      put_string(text, out);
      return true;
    }
    case ArgForm::kBytes:
      put_bytes(hook, number, out);
      return true;
    case ArgForm::kFile:
      put_path("{\"file_arg\":{\"path\":\"", field, hook.data(number), out);
      return true;
    case ArgForm::kPath:
      put_path("{\"path_arg\":{\"path\":\"", field, hook.data(number), out);
      return true;
    case ArgForm::kBinprm:
      put_path("{\"linux_binprm_arg\":{\"path\":\"", field, hook.data(number), out);
      return true;
    case ArgForm::kSockaddr:
      put_sockaddr(hook.data(number), out);
      return true;
    case ArgForm::kCapability:
      put_capability(field.value, out);
      return true;
    case ArgForm::kCapSet:
      put_capability_mask("{\"kernel_cap_t_arg\":\"", field.value, out);
      return true;
    case ArgForm::kCapInheritable:
      put_capability_mask("{\"cap_inheritable_arg\":\"", field.value, out);
      return true;
    case ArgForm::kCapPermitted:
      put_capability_mask("{\"cap_permitted_arg\":\"", field.value, out);
      return true;
    case ArgForm::kCapEffective:
      put_capability_mask("{\"cap_effective_arg\":\"", field.value, out);
      return true;
    case ArgForm::kBpfCmd:
      put_bpf_command(field.value, out);
      return true;
    case ArgForm::kSyscall:
      put_syscall(field.value, out);
      return true;
    case ArgForm::kSkb:
      return put_structure<trigon_skb>(hook, number, "{\"skb_arg\":", out, put_json_skb);
    case ArgForm::kSock:
      return put_structure<trigon_sock>(hook, number, "{\"sock_arg\":", out, put_json_sock);
    case ArgForm::kCred:
      return put_structure<trigon_creds>(
          hook, number, "{\"process_credentials_arg\":", out,
          [&](const trigon_creds& creds, Buffer* to) { put_json_credentials(creds, 0, host_user_ns, to); });
    case ArgForm::kUserNs:
      return put_structure<trigon_user_ns>(
          hook, number, "{\"user_ns_arg\":", out,
          [&](const trigon_user_ns& ns, Buffer* to) { put_json_user_ns(ns, host_user_ns, to); });
    case ArgForm::kModule:
      return put_structure<trigon_module>(hook, number, "{\"module_arg\":", out, put_json_module);
    case ArgForm::kBpfAttr:
      return put_structure<trigon_bpf_prog>(hook, number, "{\"bpf_attr_arg\":", out, put_json_bpf_prog);
    case ArgForm::kBpfProg:
      return put_structure<trigon_bpf_prog>(hook, number, "{\"bpf_prog_arg\":", out, put_json_bpf_prog);
    case ArgForm::kBpfMap:
      return put_structure<trigon_bpf_map>(hook, number, "{\"bpf_map_arg\":", out, put_json_bpf_map);
    case ArgForm::kPerfEvent:
      return put_structure<trigon_perf_event>(hook, number, "{\"perf_event_arg\":", out, put_json_perf_event);
  }
  return false;
}

}  // namespace

std::vector<ArgText> arg_texts(const std::vector<policy::ArgSpec>& args) {
  std::vector<ArgText> texts;
  for (const policy::ArgSpec& arg : args) {
    if (arg.type == "nop") continue;
    Buffer tail;
    if (!arg.label.empty()) {
      tail.append(",\"label\":");
      put_string(arg.label, &tail);
    }
    tail.append('}');
    texts.push_back({arg.field, arg_form(arg.type), std::string(tail.view())});
  }
  return texts;
}

bool put_json_arg(const event::Hook& hook, const ArgText& arg, uint32_t host_user_ns, Buffer* out) {
  bool readable;
  if (arg.field >= hook.record->fields) [[unlikely]] {
    readable = put_error("not captured", out);
  } else if (!hook.is_readable(arg.field)) [[unlikely]] {
    readable =
        put_error(hook.record->field[arg.field].type == TRIGON_ARG_FD ? "bad file descriptor" : "bad address", out);
  } else {
    readable = put_value(hook, arg.field, form_of(arg.form, hook.record->field[arg.field].type), host_user_ns, out);
  }
  out->append(arg.tail);
  return readable;
}

}  // namespace trigon::output
