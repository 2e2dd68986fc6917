#include "output/json_structures.h"

#include <sys/socket.h>

#include <string_view>
#include <utility>

#include "output/json_object.h"
#include "output/names.h"
#include "output/socket_text.h"
#include "output/text.h"

namespace trigon::output {
namespace {

template <size_t N>
std::string_view text_of(const char (&name)[N]) {
  const std::string_view text(name, N);
  return text.substr(0, text.find('\0'));
}

bool is_inet(unsigned family) { return family == AF_INET || family == AF_INET6; }

void put_capability_set(std::string_view key, uint64_t set, JsonObject* object) {
  if (set == 0) return;
  Buffer* const out = object->member(key);
  char separator = '[';
  for (unsigned bit = 0; bit < 64; ++bit) {
    if ((set >> bit & 1) == 0) continue;
    out->append(std::exchange(separator, ','));
    if (const std::string_view name = capability_name(bit); !name.empty()) {
      out->append('"');
      out->append(name);
      out->append('"');
    } else {
      put_uint(bit, out);
    }
  }
  out->append(']');
}

void put_ns_member(uint32_t inum, uint32_t host_inum, JsonObject* object) {
  if (inum == 0) return;
  JsonObject ns(object->member("\"ns\":"));
  ns.wrapped("\"inum\":", inum);
  if (inum == host_inum) ns.member("\"is_host\":")->append("true");
  ns.close();
}

void put_address(std::string_view key, unsigned family, const uint8_t* ip, JsonObject* object) {
  Buffer* const out = object->member(key);
  out->append('"');
  put_ip(family, ip, out);
  out->append('"');
}

}  // namespace

void put_json_file(const trigon_file& file, Buffer* out) {
  constexpr uint32_t kMinorBits = 20;
  JsonObject object(out);
  object.wide("\"inode\":", file.inode);
  object.member("\"dev\":\"");
  put_uint(file.dev >> kMinorBits, out);
  out->append(':');
  put_uint(file.dev & ((1u << kMinorBits) - 1), out);
  out->append('"');
  object.wrapped("\"nlink\":", file.nlink);
  object.member("\"mode\":\"0");
  put_octal(file.mode, out);
  out->append('"');
  object.wrapped("\"uid\":", file.uid);
  object.wrapped("\"gid\":", file.gid);
  object.close();
}

void put_json_capabilities(const trigon_creds& creds, Buffer* out) {
  JsonObject object(out);
  put_capability_set("\"permitted\":", creds.cap_permitted, &object);
  put_capability_set("\"effective\":", creds.cap_effective, &object);
  put_capability_set("\"inheritable\":", creds.cap_inheritable, &object);
  object.close();
}

void put_json_credentials(const trigon_creds& creds, uint32_t user_ns, uint32_t host_user_ns, Buffer* out) {
  JsonObject object(out);
  object.wrapped("\"uid\":", creds.uid);
  object.wrapped("\"gid\":", creds.gid);
  object.wrapped("\"euid\":", creds.euid);
  object.wrapped("\"egid\":", creds.egid);
  object.wrapped("\"suid\":", creds.suid);
  object.wrapped("\"sgid\":", creds.sgid);
  object.wrapped("\"fsuid\":", creds.fsuid);
  object.wrapped("\"fsgid\":", creds.fsgid);
  if ((creds.securebits & 0xff) != 0) {
    object.member("\"securebits\":");
    char separator = '[';
    for (unsigned bit = 0; bit < 8; ++bit) {
      if ((creds.securebits >> bit & 1) == 0) continue;
      out->append(std::exchange(separator, ','));
      put_string(securebit_name(bit), out);
    }
    out->append(']');
  }
  put_json_capabilities(creds, object.member("\"caps\":"));
  JsonObject ns(object.member("\"user_ns\":"));
  ns.wrapped("\"level\":", creds.user_ns_level);
  ns.wrapped("\"uid\":", creds.user_ns_owner);
  ns.wrapped("\"gid\":", creds.user_ns_group);
  put_ns_member(user_ns, host_user_ns, &ns);
  ns.close();
  object.close();
}

void put_json_user_ns(const trigon_user_ns& ns, uint32_t host_user_ns, Buffer* out) {
  JsonObject object(out);
  put_int(ns.level, object.member("\"level\":"));
  object.wrapped("\"uid\":", ns.owner);
  object.wrapped("\"gid\":", ns.group);
  put_ns_member(ns.inode, host_user_ns, &object);
  object.close();
}

void put_json_sock(const trigon_sock& sock, Buffer* out) {
  JsonObject object(out);
  object.name("\"family\":", address_family_name(sock.family), sock.family);
  if (sock.type != 0) object.name("\"type\":", socket_type_name(sock.type), sock.type);
  // Protocols of other families have numbers of their own.
  if (is_inet(sock.family)) {
    object.name("\"protocol\":", protocol_name(sock.protocol), sock.protocol);
  } else if (sock.protocol != 0) {
    object.name("\"protocol\":", {}, sock.protocol);
  }
  object.number("\"mark\":", sock.mark);
  object.number("\"priority\":", sock.priority);
  if (is_inet(sock.family)) {
    put_address("\"saddr\":", sock.family, sock.saddr, &object);
    put_address("\"daddr\":", sock.family, sock.daddr, &object);
  }
  object.number("\"sport\":", sock.sport);
  object.number("\"dport\":", sock.dport);
  object.wide("\"cookie\":", sock.cookie);
  if (sock.state != 0) object.name("\"state\":", tcp_state_name(sock.state), sock.state);
  object.close();
}

void put_json_skb(const trigon_skb& skb, Buffer* out) {
  JsonObject object(out);
  object.number("\"hash\":", skb.hash);
  object.number("\"len\":", skb.len);
  object.number("\"priority\":", skb.priority);
  object.number("\"mark\":", skb.mark);
  if (is_inet(skb.family)) {
    put_address("\"saddr\":", skb.family, skb.saddr, &object);
    put_address("\"daddr\":", skb.family, skb.daddr, &object);
  }
  object.number("\"sport\":", skb.sport);
  object.number("\"dport\":", skb.dport);
  object.number("\"proto\":", skb.protocol);
  object.number("\"sec_path_len\":", skb.secpath_len);
  object.number("\"sec_path_olen\":", skb.secpath_olen);
  if (is_inet(skb.family)) {
    object.name("\"protocol\":", protocol_name(skb.protocol), skb.protocol);
    object.name("\"family\":", address_family_name(skb.family), skb.family);
  }
  object.close();
}

void put_json_module(const trigon_module& module, Buffer* out) {
  JsonObject object(out);
  object.text("\"name\":", text_of(module.name));
  if (module.signed_ok <= 1) object.member("\"signature_ok\":")->append(module.signed_ok == 1 ? "true" : "false");
  if (module.taints != 0) {
    object.member("\"tainted\":");
    char separator = '[';
    for (unsigned bit = 0; bit < 64; ++bit) {
      if ((module.taints >> bit & 1) == 0) continue;
      out->append(std::exchange(separator, ','));
      if (const std::string_view name = taint_name(bit); !name.empty()) {
        put_string(name, out);
      } else {
        put_uint(uint64_t{1} << bit, out);  // an enumeration's value that has no name is a number
      }
    }
    out->append(']');
  }
  object.close();
}

void put_json_bpf_prog(const trigon_bpf_prog& prog, Buffer* out) {
  JsonObject object(out);
  object.name("\"ProgType\":", bpf_program_type_name(prog.type), prog.type);
  object.number("\"InsnCnt\":", prog.instructions);
  object.text("\"ProgName\":", text_of(prog.name));
  object.close();
}

void put_json_bpf_map(const trigon_bpf_map& map, Buffer* out) {
  JsonObject object(out);
  object.name("\"MapType\":", bpf_map_type_name(map.type), map.type);
  object.number("\"KeySize\":", map.key_size);
  object.number("\"ValueSize\":", map.value_size);
  object.number("\"MaxEntries\":", map.max_entries);
  object.text("\"MapName\":", text_of(map.name));
  object.close();
}

void put_json_perf_event(const trigon_perf_event& event, Buffer* out) {
  JsonObject object(out);
  object.text("\"KprobeFunc\":", text_of(event.function));
  object.name("\"Type\":", perf_type_name(event.type), event.type);
  object.wide("\"Config\":", event.config);
  object.wide("\"ProbeOffset\":", event.probe_offset);
  object.close();
}

}  // namespace trigon::output
