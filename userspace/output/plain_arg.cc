#include "output/plain_arg.h"

#include <sys/socket.h>

#include <string_view>

#include "output/names.h"
#include "output/socket_text.h"
#include "output/syscall_text.h"
#include "output/text.h"
#include "policy/syscalls.h"

namespace trigon::output {
namespace {

constexpr std::string_view kDeleted = " (deleted)";
constexpr size_t kShownBytes = 64;

template <size_t N>
std::string_view text_of(const char (&name)[N]) {
  const std::string_view text(name, N);
  return text.substr(0, text.find('\0'));
}

bool is_inet(unsigned family) { return family == AF_INET || family == AF_INET6; }

// "tcp" of IPPROTO_TCP.
void put_protocol(unsigned number, Buffer* out) {
  const std::string_view name = protocol_name(number);
  if (name.empty()) return put_uint(number, out);
  for (const char c : name.substr(name.find('_') + 1))
    out->append(static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c));
}

// "tcp 10.0.0.1:4711 -> 10.0.0.2:80".
template <typename Ends>
void put_ends(const Ends& ends, Buffer* out) {
  if (!is_inet(ends.family)) return put_name(address_family_name(ends.family), ends.family, out);
  put_protocol(ends.protocol, out);
  out->append(' ');
  put_endpoint(ends.family, ends.saddr, ends.sport, out);
  if (ends.dport == 0) return;
  out->append(" -> ");
  put_endpoint(ends.family, ends.daddr, ends.dport, out);
}

void put_sockaddr(std::string_view bytes, Buffer* out) {
  const SocketAddress address = parse_socket_address(bytes);
  switch (address.kind) {
    case SocketAddress::Kind::kInet:
      return put_endpoint(address.family, address.ip, address.port, out);
    case SocketAddress::Kind::kUnix:
      out->append(address.abstract ? "unix:@" : "unix:");
      return put_printable(address.path, out);
    case SocketAddress::Kind::kFamilyOnly:
      return put_name(address_family_name(address.family), address.family, out);
  }
}

void put_syscall(uint64_t value, Buffer* out) {
  out->append(syscall_abi(value));
  out->append('/');
  const uint32_t number = syscall_number(value);
  const bool compat = (value & kCompatSyscall) != 0;
  const bool is_known_abi = !compat || policy::host_arch() == policy::Arch::kX86_64;
  const policy::Abi abi = compat ? policy::Abi::kI386 : policy::native_abi(policy::host_arch());
  put_name(is_known_abi && number <= UINT16_MAX ? policy::syscall_name(abi, static_cast<uint16_t>(number)) : "", number,
           out);
}

void put_path(const trigon_field& field, std::string_view path, Buffer* out) {
  if (path.empty()) return out->append('/');
  put_printable(path, out);
  if (field.path_flags & TRIGON_PATH_UNLINKED) out->append(kDeleted);
}

void put_bytes(const event::Hook& hook, uint8_t number, Buffer* out) {
  const std::string_view data = hook.data(number);
  put_printable(data.substr(0, kShownBytes), out);
  if (data.size() > kShownBytes || (hook.record->field[number].flags & TRIGON_FIELD_TRUNCATED) != 0 ||
      data.size() < hook.record->field[number].size) {
    out->append("...");
  }
}

void put_key(std::string_view key, uint64_t value, Buffer* out) {
  out->append(key);
  put_uint(value, out);
}

void put_creds(const trigon_creds& creds, Buffer* out) {
  put_key("{uid=", creds.uid, out);
  if (creds.euid != creds.uid) put_key(" euid=", creds.euid, out);
  put_key(" gid=", creds.gid, out);
  if (creds.egid != creds.gid) put_key(" egid=", creds.egid, out);
  out->append(" caps=");
  put_hex(creds.cap_effective, out);
  out->append('}');
}

template <typename Structure, typename Put>
void put_structure(const event::Hook& hook, uint8_t field, Buffer* out, Put put) {
  Structure structure;
  if (!hook.structure(field, &structure)) return out->append("<unreadable>");
  put(structure);
}

}  // namespace

void put_plain_arg(const event::Hook& hook, uint8_t number, ArgForm wanted, Buffer* out) {
  if (number >= hook.record->fields) return out->append('?');
  if (!hook.is_readable(number)) return out->append("<unreadable>");
  const trigon_field& field = hook.record->field[number];
  switch (form_of(wanted, field.type)) {
    case ArgForm::kByField:
    case ArgForm::kForms:
    case ArgForm::kInt:
      return put_int(static_cast<int32_t>(field.value), out);
    case ArgForm::kUint:
      return put_uint(static_cast<uint32_t>(field.value), out);
    case ArgForm::kLong:
      return put_int(static_cast<int64_t>(field.value), out);
    case ArgForm::kSize:
      return put_uint(field.value, out);
    case ArgForm::kString: {
      std::string_view text = hook.data(number);
      if (field.type == TRIGON_ARG_CONST_BUF) text = text.substr(0, text.find('\0'));
      put_printable(text, out);
      if (field.flags & TRIGON_FIELD_TRUNCATED) out->append("...");
      return;
    }
    case ArgForm::kBytes:
      return put_bytes(hook, number, out);
    case ArgForm::kFile:
    case ArgForm::kPath:
    case ArgForm::kBinprm:
      return put_path(field, hook.data(number), out);
    case ArgForm::kSockaddr:
      return put_sockaddr(hook.data(number), out);
    case ArgForm::kCapability:
      return put_name(capability_name(static_cast<unsigned>(field.value)), static_cast<uint32_t>(field.value), out);
    case ArgForm::kCapSet:
    case ArgForm::kCapInheritable:
    case ArgForm::kCapPermitted:
    case ArgForm::kCapEffective:
      return put_hex16(field.value, out);
    case ArgForm::kBpfCmd:
      return put_name(bpf_command_name(static_cast<unsigned>(field.value)), static_cast<uint32_t>(field.value), out);
    case ArgForm::kSyscall:
      return put_syscall(field.value, out);
    case ArgForm::kSkb:
      return put_structure<trigon_skb>(hook, number, out, [&](const trigon_skb& skb) {
        if (is_inet(skb.family)) {
          put_ends(skb, out);
          out->append(' ');
        }
        put_key("len=", skb.len, out);
      });
    case ArgForm::kSock:
      return put_structure<trigon_sock>(hook, number, out, [&](const trigon_sock& sock) { put_ends(sock, out); });
    case ArgForm::kCred:
      return put_structure<trigon_creds>(hook, number, out, [&](const trigon_creds& creds) { put_creds(creds, out); });
    case ArgForm::kUserNs:
      return put_structure<trigon_user_ns>(hook, number, out, [&](const trigon_user_ns& ns) {
        put_key("level=", static_cast<uint32_t>(ns.level), out);
        put_key(" owner=", ns.owner, out);
        put_key(" ns=", ns.inode, out);
      });
    case ArgForm::kModule:
      return put_structure<trigon_module>(
          hook, number, out, [&](const trigon_module& module) { put_printable(text_of(module.name), out); });
    case ArgForm::kBpfAttr:
    case ArgForm::kBpfProg:
      return put_structure<trigon_bpf_prog>(hook, number, out, [&](const trigon_bpf_prog& prog) {
        put_name(bpf_program_type_name(prog.type), prog.type, out);
        out->append(' ');
        put_printable(text_of(prog.name), out);
        put_key(" instruction count ", prog.instructions, out);
      });
    case ArgForm::kBpfMap:
      return put_structure<trigon_bpf_map>(hook, number, out, [&](const trigon_bpf_map& map) {
        put_name(bpf_map_type_name(map.type), map.type, out);
        out->append(' ');
        put_printable(text_of(map.name), out);
        put_key(" key size ", map.key_size, out);
        put_key(" value size ", map.value_size, out);
        put_key(" max entries ", map.max_entries, out);
      });
    case ArgForm::kPerfEvent:
      return put_structure<trigon_perf_event>(hook, number, out, [&](const trigon_perf_event& event) {
        put_name(perf_type_name(event.type), event.type, out);
        if (event.function[0] == '\0') return;
        out->append(' ');
        put_printable(text_of(event.function), out);
      });
  }
}

}  // namespace trigon::output
