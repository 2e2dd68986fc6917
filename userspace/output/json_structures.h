// The objects that structures of the kernel become. Each writes one JSON object.
#pragma once

#include <cstdint>

#include "bpf/abi/record.h"
#include "output/buffer.h"

namespace trigon::output {

// {"inode","dev","nlink","mode","uid","gid"}: of our own `trigon` objects.
void put_json_file(const trigon_file& file, Buffer* out);

// {"permitted":[…],"effective":[…],"inheritable":[…]}
void put_json_capabilities(const trigon_creds& creds, Buffer* out);
// ProcessCredentials. user_ns: inode number, 0: not known; host_user_ns: that of the host.
void put_json_credentials(const trigon_creds& creds, uint32_t user_ns, uint32_t host_user_ns, Buffer* out);
// UserNamespace.
void put_json_user_ns(const trigon_user_ns& ns, uint32_t host_user_ns, Buffer* out);

void put_json_sock(const trigon_sock& sock, Buffer* out);
void put_json_skb(const trigon_skb& skb, Buffer* out);
void put_json_module(const trigon_module& module, Buffer* out);
void put_json_bpf_prog(const trigon_bpf_prog& prog, Buffer* out);
void put_json_bpf_map(const trigon_bpf_map& map, Buffer* out);
void put_json_perf_event(const trigon_perf_event& event, Buffer* out);

}  // namespace trigon::output
