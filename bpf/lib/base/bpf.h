// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// libbpf's headers over the kernel types of this folder, and the few idioms that every layer uses.
#ifndef TRIGON_LIB_BASE_BPF_H
#define TRIGON_LIB_BASE_BPF_H

// clang-format off: the kernel types come before libbpf's headers, which need them
#include "bpf/lib/base/kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
// clang-format on

// Keeps clang from proving a bound itself and dropping the check that the verifier needs to see.
#ifndef barrier_var
#define barrier_var(var) asm volatile("" : "+r"(var))
#endif

// A function that the verifier checks once by itself, whatever its callers know; arguments are numbers (5.10). Weak,
// because headers that define it are compiled into several objects of one link.
#define TRIGON_GLOBAL __weak __noinline

// A BTF pointer as a number, which is all that a global function takes: through memory, where the verifier forgets.
static __always_inline u64 base_address(const void *pointer) {
  u64 address = 0;
  bpf_probe_read_kernel(&address, sizeof(address), &pointer);
  return address;
}

// XADD without the result: the only atomic add that 5.10 has.
static __always_inline void base_count(u64 *counter) { __sync_fetch_and_add(counter, 1); }

#endif
