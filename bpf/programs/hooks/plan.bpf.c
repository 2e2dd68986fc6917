// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The definitions behind bpf/lib/emit/plan.h: what one loaded instance of these programs is for.
#include "bpf/lib/emit/plan.h"

const volatile u32 cfg_slot = 0;
const volatile u32 cfg_return_slot = 0;
const volatile u32 cfg_fields = 0;
const volatile u32 cfg_entry_fields = 0;
const volatile u32 cfg_args = 0;
const volatile u32 cfg_actions = 0;
const volatile u32 cfg_ip = 0;
const volatile struct trigon_field_conf cfg_field[TRIGON_MAX_FIELDS] = {};
