// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The only code that writes to the ring, and the books beside it: produced counts attempts, lost those that a full
// ring refused, and every record carries its CPU's lost total, so that the reader sees a gap where it happened.
#ifndef TRIGON_LIB_EMIT_RING_H
#define TRIGON_LIB_EMIT_RING_H

#include "bpf/lib/base/config.h"
#include "bpf/lib/base/counters.h"

// The header for the process that `leader` leads.
static __always_inline void emit_header(struct trigon_record *rec, const struct trigon_counters *counters, u16 kind,
                                        u32 pid, u32 tid, u64 start_ns) {
  rec->kind = kind;
  rec->cpu = bpf_get_smp_processor_id();
  rec->time_ns = bpf_ktime_get_boot_ns();
  rec->start_ns = start_ns;
  rec->pid = pid;
  rec->tid = tid;
  rec->lost = counters->lost_total;
  rec->abi = TRIGON_ABI_VERSION;
}

// A wake-up costs more than the rest of an event (an inter-processor interrupt and a context switch), so there is one
// only when the reader has gone to sleep; otherwise it looks by itself every few hundred microseconds.
static __always_inline u64 emit_wakeup(void) {
  if (run_reader_sleeps) {
    run_reader_sleeps = 0;
    return BPF_RB_FORCE_WAKEUP;
  }
  return BPF_RB_NO_WAKEUP;
}

static __always_inline void emit_lost(struct trigon_counters *counters, u16 kind) {
  base_count(&counters->lost[kind & (TRIGON_REC_KINDS - 1)]);
  base_count(&counters->lost_total);
}

// rec->size bytes; `size` is the same number with a bound that the verifier knows.
static __always_inline void emit_output(struct trigon_record *rec, struct trigon_counters *counters, u32 size) {
  u16 kind = rec->kind;
  rec->size = size;
  base_count(&counters->produced[kind & (TRIGON_REC_KINDS - 1)]);
  if (bpf_ringbuf_output(&tri_ring, rec, size, emit_wakeup())) emit_lost(counters, kind);
}

// Space for a record of constant size, to be filled in place and submitted: no copy. NULL and counted when it is lost.
static __always_inline void *emit_reserve(struct trigon_counters *counters, const u64 size, u16 kind) {
  void *record = bpf_ringbuf_reserve(&tri_ring, size, 0);
  base_count(&counters->produced[kind]);
  if (!record) emit_lost(counters, kind);
  return record;
}

static __always_inline void emit_submit(struct trigon_record *rec, u32 size) {
  rec->size = size;
  bpf_ringbuf_submit(rec, emit_wakeup());
}

// 1 when the ring is so full that only process records may still enter.
static __always_inline int emit_ring_busy(void) {
  return bpf_ringbuf_query(&tri_ring, BPF_RB_AVAIL_DATA) > cfg_ring_limit;
}

#endif
