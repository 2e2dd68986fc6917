// Names of bpf(2) and perf_event_open(2): include/uapi/linux/bpf.h and perf_event.h, from 0.
#include <cstddef>

#include "output/names.h"

namespace trigon::output {
namespace {

constexpr std::string_view kCommands[] = {"BPF_MAP_CREATE",        "BPF_MAP_LOOKUP_ELEM",
                                          "BPF_MAP_UPDATE_ELEM",   "BPF_MAP_DELETE_ELEM",
                                          "BPF_MAP_GET_NEXT_KEY",  "BPF_PROG_LOAD",
                                          "BPF_OBJ_PIN",           "BPF_OBJ_GET",
                                          "BPF_PROG_ATTACH",       "BPF_PROG_DETACH",
                                          "BPF_PROG_TEST_RUN",     "BPF_PROG_GET_NEXT_ID",
                                          "BPF_MAP_GET_NEXT_ID",   "BPF_PROG_GET_FD_BY_ID",
                                          "BPF_MAP_GET_FD_BY_ID",  "BPF_OBJ_GET_INFO_BY_FD",
                                          "BPF_PROG_QUERY",        "BPF_RAW_TRACEPOINT_OPEN",
                                          "BPF_BTF_LOAD",          "BPF_BTF_GET_FD_BY_ID",
                                          "BPF_TASK_FD_QUERY",     "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
                                          "BPF_MAP_FREEZE",        "BPF_BTF_GET_NEXT_ID",
                                          "BPF_MAP_LOOKUP_BATCH",  "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
                                          "BPF_MAP_UPDATE_BATCH",  "BPF_MAP_DELETE_BATCH",
                                          "BPF_LINK_CREATE",       "BPF_LINK_UPDATE",
                                          "BPF_LINK_GET_FD_BY_ID", "BPF_LINK_GET_NEXT_ID",
                                          "BPF_ENABLE_STATS",      "BPF_ITER_CREATE",
                                          "BPF_LINK_DETACH",       "BPF_PROG_BIND_MAP",
                                          "BPF_TOKEN_CREATE"};

constexpr std::string_view kProgramTypes[] = {"BPF_PROG_TYPE_UNSPEC",
                                              "BPF_PROG_TYPE_SOCKET_FILTER",
                                              "BPF_PROG_TYPE_KPROBE",
                                              "BPF_PROG_TYPE_SCHED_CLS",
                                              "BPF_PROG_TYPE_SCHED_ACT",
                                              "BPF_PROG_TYPE_TRACEPOINT",
                                              "BPF_PROG_TYPE_XDP",
                                              "BPF_PROG_TYPE_PERF_EVENT",
                                              "BPF_PROG_TYPE_CGROUP_SKB",
                                              "BPF_PROG_TYPE_CGROUP_SOCK",
                                              "BPF_PROG_TYPE_LWT_IN",
                                              "BPF_PROG_TYPE_LWT_OUT",
                                              "BPF_PROG_TYPE_LWT_XMIT",
                                              "BPF_PROG_TYPE_SOCK_OPS",
                                              "BPF_PROG_TYPE_SK_SKB",
                                              "BPF_PROG_TYPE_CGROUP_DEVICE",
                                              "BPF_PROG_TYPE_SK_MSG",
                                              "BPF_PROG_TYPE_RAW_TRACEPOINT",
                                              "BPF_PROG_TYPE_CGROUP_SOCK_ADDR",
                                              "BPF_PROG_TYPE_LWT_SEG6LOCAL",
                                              "BPF_PROG_TYPE_LIRC_MODE2",
                                              "BPF_PROG_TYPE_SK_REUSEPORT",
                                              "BPF_PROG_TYPE_FLOW_DISSECTOR",
                                              "BPF_PROG_TYPE_CGROUP_SYSCTL",
                                              "BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE",
                                              "BPF_PROG_TYPE_CGROUP_SOCKOPT",
                                              "BPF_PROG_TYPE_TRACING",
                                              "BPF_PROG_TYPE_STRUCT_OPS",
                                              "BPF_PROG_TYPE_EXT",
                                              "BPF_PROG_TYPE_LSM",
                                              "BPF_PROG_TYPE_SK_LOOKUP",
                                              "BPF_PROG_TYPE_SYSCALL",
                                              "BPF_PROG_TYPE_NETFILTER"};

constexpr std::string_view kMapTypes[] = {"BPF_MAP_TYPE_UNSPEC",
                                          "BPF_MAP_TYPE_HASH",
                                          "BPF_MAP_TYPE_ARRAY",
                                          "BPF_MAP_TYPE_PROG_ARRAY",
                                          "BPF_MAP_TYPE_PERF_EVENT_ARRAY",
                                          "BPF_MAP_TYPE_PERCPU_HASH",
                                          "BPF_MAP_TYPE_PERCPU_ARRAY",
                                          "BPF_MAP_TYPE_STACK_TRACE",
                                          "BPF_MAP_TYPE_CGROUP_ARRAY",
                                          "BPF_MAP_TYPE_LRU_HASH",
                                          "BPF_MAP_TYPE_LRU_PERCPU_HASH",
                                          "BPF_MAP_TYPE_LPM_TRIE",
                                          "BPF_MAP_TYPE_ARRAY_OF_MAPS",
                                          "BPF_MAP_TYPE_HASH_OF_MAPS",
                                          "BPF_MAP_TYPE_DEVMAP",
                                          "BPF_MAP_TYPE_SOCKMAP",
                                          "BPF_MAP_TYPE_CPUMAP",
                                          "BPF_MAP_TYPE_XSKMAP",
                                          "BPF_MAP_TYPE_SOCKHASH",
                                          "BPF_MAP_TYPE_CGROUP_STORAGE",
                                          "BPF_MAP_TYPE_REUSEPORT_SOCKARRAY",
                                          "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE",
                                          "BPF_MAP_TYPE_QUEUE",
                                          "BPF_MAP_TYPE_STACK",
                                          "BPF_MAP_TYPE_SK_STORAGE",
                                          "BPF_MAP_TYPE_DEVMAP_HASH",
                                          "BPF_MAP_TYPE_STRUCT_OPS",
                                          "BPF_MAP_TYPE_RINGBUF",
                                          "BPF_MAP_TYPE_INODE_STORAGE",
                                          "BPF_MAP_TYPE_TASK_STORAGE",
                                          "BPF_MAP_TYPE_BLOOM_FILTER",
                                          "BPF_MAP_TYPE_USER_RINGBUF",
                                          "BPF_MAP_TYPE_CGRP_STORAGE",
                                          "BPF_MAP_TYPE_ARENA",
                                          "BPF_MAP_TYPE_INSN_ARRAY"};

// Others are given out by the kernel at run time (kprobe, uprobe, PMUs).
constexpr std::string_view kPerfTypes[] = {"PERF_TYPE_HARDWARE", "PERF_TYPE_SOFTWARE", "PERF_TYPE_TRACEPOINT",
                                           "PERF_TYPE_HW_CACHE", "PERF_TYPE_RAW",      "PERF_TYPE_BREAKPOINT"};

template <size_t N>
std::string_view at(const std::string_view (&names)[N], unsigned number) {
  return number < N ? names[number] : std::string_view();
}

}  // namespace

std::string_view bpf_command_name(unsigned number) { return at(kCommands, number); }

std::string_view bpf_program_type_name(unsigned number) { return at(kProgramTypes, number); }

std::string_view bpf_map_type_name(unsigned number) { return at(kMapTypes, number); }

std::string_view perf_type_name(unsigned number) { return at(kPerfTypes, number); }

}  // namespace trigon::output
