// The names that numbers have in events. Constant tables: one for each set of names. A number without a name has "".
#pragma once

#include <cstdint>
#include <string_view>

namespace trigon::output {

constexpr unsigned kCapabilities = 41;

// "CAP_CHOWN"; DAC_OVERRIDE has no prefix (the enumeration that consumers know was published so).
std::string_view capability_name(unsigned number);
// Bit 0…7 of securebits: "SecBitNoRoot"…
std::string_view securebit_name(unsigned bit);
// "SIGKILL", "SIGRTMIN+3".
std::string_view signal_name(unsigned number);
// "EPERM", of the positive number.
std::string_view errno_name(unsigned number);

std::string_view address_family_name(unsigned number);  // "AF_INET"
std::string_view socket_type_name(unsigned number);     // "SOCK_STREAM"
std::string_view protocol_name(unsigned number);        // "IPPROTO_TCP"
std::string_view tcp_state_name(unsigned number);       // "TCP_ESTABLISHED"

std::string_view bpf_command_name(unsigned number);       // "BPF_PROG_LOAD"
std::string_view bpf_program_type_name(unsigned number);  // "BPF_PROG_TYPE_KPROBE"
std::string_view bpf_map_type_name(unsigned number);      // "BPF_MAP_TYPE_HASH"
std::string_view perf_type_name(unsigned number);         // "PERF_TYPE_TRACEPOINT"
// Of a module, by bit: "TAINT_OUT_OF_TREE_MODULE".
std::string_view taint_name(unsigned bit);
// enum hash_algo (linux/hash_info.h) as IMA writes it: "sha256".
std::string_view hash_name(unsigned number);
// What a CLONE_NEW* constant stands for, as setns takes it: "net"; 0 is "any".
std::string_view namespace_name(uint32_t clone_flag);

}  // namespace trigon::output
