// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// TrackSock: whose socket it is. Hooks in softirqs and kernel threads run as somebody else.
#ifndef TRIGON_LIB_ACT_TRACK_H
#define TRIGON_LIB_ACT_TRACK_H

#include "bpf/lib/match/process.h"

static __always_inline void track_sock(u64 sock, bool remember) {
  if (!sock) return;
  if (!remember) {
    bpf_map_delete_elem(&tri_socks, &sock);
    return;
  }
  u64 id = bpf_get_current_pid_tgid();
  struct base_owner owner = {.pid = id >> 32, .tid = (u32)id};
  owner.start_ns = BPF_CORE_READ(process_task(), group_leader, start_boottime);
  bpf_map_update_elem(&tri_socks, &sock, &owner, BPF_ANY);
}

// The event's process becomes the owner of the first sock among its fields that has one.
TRIGON_GLOBAL int track_attribute(u32 at) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return 0;
  for (u32 i = 0; i < TRIGON_MAX_FIELDS; i++) {
    if (i >= scratch->event.fields) break;
    const struct trigon_field *field = &scratch->event.field[i];
    u64 sock = 0, value = field->value;
    struct socket *socket = (void *)value;
    struct sk_buff *skb = (void *)value;
    if (field->type == TRIGON_ARG_SOCK)
      sock = value;
    else if (field->type == TRIGON_ARG_SOCKET)
      sock = (u64)BPF_CORE_READ(socket, sk);
    else if (field->type == TRIGON_ARG_SKB)
      sock = (u64)BPF_CORE_READ(skb, sk);
    struct base_owner *owner = sock ? bpf_map_lookup_elem(&tri_socks, &sock) : NULL;
    if (!owner) continue;
    scratch->event.rec.pid = owner->pid;
    scratch->event.rec.tid = owner->tid;
    scratch->event.rec.start_ns = owner->start_ns;
    scratch->event.flags |= TRIGON_HOOK_TRACKED;
    return 1;
  }
  return 0;
}

#endif
