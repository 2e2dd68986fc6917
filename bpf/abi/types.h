// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Fixed-width types under their kernel names, for both sides. Every header in bpf/abi is C11 and C++20 clean, has no
// implicit padding (-Wpadded is an error below) and no packed structure; a record that changes meaning, size or order
// raises TRIGON_ABI_VERSION.
#ifndef TRIGON_ABI_TYPES_H
#define TRIGON_ABI_TYPES_H

#if defined(__bpf__)
typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
#else
#include <linux/types.h>
#endif

#define TRIGON_ABI_VERSION 2

#endif
