// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// libbpf's headers over the kernel types of this folder, and the few idioms that every layer uses.
#ifndef TRIGON_LIB_BASE_BPF_H
#define TRIGON_LIB_BASE_BPF_H

// libbpf asks by this whether struct pt_regs has the kernel's member names or those of <linux/ptrace.h>.
#define __VMLINUX_H__
// clang-format off: the kernel types come before libbpf's headers, which need them
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "bpf/lib/base/kernel.h"
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

// 6.2 (a35b9af4ec2c "bpf: Add a kfunc for generic type cast"). Costs nothing at run time.
extern void *bpf_rdonly_cast(const void *pointer, u32 btf_id__k) __ksym __weak;

// The same pointer without the verifier's trust, for reading members. For each pointer member that is read through a
// trusted pointer, the verifier looks for the names "TYPE__safe_rcu" and two more among all of the kernel's types:
// millions of instructions each, most of the time that a load takes. What needs trust (task storage) keeps the
// original.
#define base_untrusted(pointer, btf_id) \
  ((btf_id) && bpf_ksym_exists(bpf_rdonly_cast) ? (typeof(pointer))bpf_rdonly_cast(pointer, btf_id) : (pointer))

// One member of the kernel object at `pointer`, which may be a plain number to the verifier: a load where the kernel
// can make one safe (bpf_rdonly_cast), a helper call elsewhere. What cannot be read is 0.
#define base_member(pointer, btf_id, member)                                                                       \
  ({                                                                                                               \
    typeof((pointer)->member) base_value = 0;                                                                      \
    if ((btf_id) && bpf_ksym_exists(bpf_rdonly_cast))                                                              \
      base_value = ((typeof(pointer))bpf_rdonly_cast((pointer), btf_id))->member;                                  \
    else                                                                                                           \
      bpf_probe_read_kernel(&base_value, sizeof(base_value), __builtin_preserve_access_index(&(pointer)->member)); \
    base_value;                                                                                                    \
  })

// Bytes at an address of the kernel or of the user, whichever half it lies in (x86_64 and arm64: the upper is the
// kernel's). Functions of the kernel take both kinds of pointers, and the type does not tell.
static __always_inline bool base_is_kernel(u64 address) { return (s64)address < 0; }

static __always_inline long base_read(void *to, u32 size, u64 from) {
  return base_is_kernel(from) ? bpf_probe_read_kernel(to, size, (void *)from)
                              : bpf_probe_read_user(to, size, (void *)from);
}

static __always_inline long base_read_str(void *to, u32 size, u64 from) {
  return base_is_kernel(from) ? bpf_probe_read_kernel_str(to, size, (void *)from)
                              : bpf_probe_read_user_str(to, size, (void *)from);
}

// Calls step(i, ctx) for i = 0, 1, … until it returns non-zero, at most `most` times; `unrolled` times on kernels
// without bpf_loop (5.17, e6f2dd0f8067), whose verifiers follow each round. With bpf_loop the body is verified once,
// provided that what changes from round to round lies in map memory: on the stack, the verifier follows its values.
#ifdef TRIGON_UNROLLED
#define base_loop(most, unrolled, step, ctx)          \
  for (u32 base_i = 0; base_i < (unrolled); base_i++) \
    if (step(base_i, ctx)) break
#else
#define base_loop(most, unrolled, step, ctx) bpf_loop(most, step, ctx, 0)
#endif

// XADD without the result: the only atomic add that 5.10 has.
static __always_inline void base_count(u64 *counter) { __sync_fetch_and_add(counter, 1); }

#endif
