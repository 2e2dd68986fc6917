// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Nothing, on the three tracepoints of the base sensor and on hooks that policies use: what being attached costs by
// itself.
#include "bpf/abi/types.h"

#include <bpf/bpf_helpers.h>

SEC("tp_btf/sched_process_exec")
int empty_exec(__u64* ctx) { return 0; }

SEC("tp_btf/task_newtask")
int empty_fork(__u64* ctx) { return 0; }

SEC("tp_btf/sched_process_exit")
int empty_exit(__u64* ctx) { return 0; }

SEC("lsm/file_open")
int empty_lsm(__u64* ctx) { return 0; }

SEC("kprobe/security_file_open")
int empty_kprobe(void* ctx) { return 0; }

SEC("fentry/fd_install")
int empty_fentry(__u64* ctx) { return 0; }

char LICENSE[] SEC("license") = "Dual BSD/GPL";
