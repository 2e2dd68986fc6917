// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The books of this CPU (bpf/abi/record.h).
#ifndef TRIGON_LIB_BASE_COUNTERS_H
#define TRIGON_LIB_BASE_COUNTERS_H

#include "bpf/lib/base/maps.h"

static __always_inline struct trigon_counters *base_counters(void) {
  u32 zero = 0;
  return bpf_map_lookup_elem(&tri_counters, &zero);
}

#endif
