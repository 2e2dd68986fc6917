// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Kernel objects as the records of abi/record.h. Addresses come from hook arguments and are plain numbers to the
// verifier; everything is read with helpers. A negative answer: nothing can be told.
#ifndef TRIGON_LIB_READ_OBJECT_H
#define TRIGON_LIB_READ_OBJECT_H

#include "bpf/abi/record.h"
#include "bpf/lib/base/config.h"

// IPv4 as ::ffff:a.b.c.d.
static __always_inline void read_ipv4(u8 *out, u32 address) {
  __builtin_memset(out, 0, 10);
  out[10] = out[11] = 0xff;
  __builtin_memcpy(out + 12, &address, 4);
}

static __always_inline long read_sock(struct trigon_sock *out, u64 address) {
  struct sock *sk = (void *)address;
  struct sock_common *common = __builtin_preserve_access_index(&sk->__sk_common);
  u16 family = 0, port = 0;
  __builtin_memset(out, 0, sizeof(*out));
  if (!sk || bpf_core_read(&family, 2, &common->skc_family)) return -1;
  out->cookie = address;
  out->family = family;
  bpf_core_read(&out->type, 2, &sk->sk_type);
  bpf_core_read(&out->protocol, 2, &sk->sk_protocol);
  bpf_core_read(&out->mark, 4, &sk->sk_mark);
  bpf_core_read(&out->priority, 4, &sk->sk_priority);
  bpf_core_read(&out->state, 1, &common->skc_state);
  if (family == AF_INET) {
    u32 v4 = 0;
    bpf_core_read(&v4, 4, &common->skc_rcv_saddr);
    read_ipv4(out->saddr, v4);
    bpf_core_read(&v4, 4, &common->skc_daddr);
    read_ipv4(out->daddr, v4);
  } else if (family == AF_INET6) {
    bpf_core_read(out->saddr, 16, &common->skc_v6_rcv_saddr);
    bpf_core_read(out->daddr, 16, &common->skc_v6_daddr);
  } else {
    return 0;
  }
  bpf_core_read(&out->sport, 2, &common->skc_num);  // host order
  bpf_core_read(&port, 2, &common->skc_dport);
  out->dport = __builtin_bswap16(port);
  return 0;
}

static __always_inline long read_skb(struct trigon_skb *out, u64 address) {
  struct sk_buff *skb = (void *)address;
  unsigned char *head = NULL;
  u16 network = 0, transport = 0, protocol = 0;
  u8 header[40];  // of IPv6 without extensions (RFC 8200), which is longer than that of IPv4 without options
  __builtin_memset(out, 0, sizeof(*out));
  if (!skb || bpf_core_read(&head, 8, &skb->head) || !head) return -1;
  bpf_core_read(&network, 2, &skb->network_header);
  bpf_core_read(&transport, 2, &skb->transport_header);
  bpf_core_read(&protocol, 2, &skb->protocol);
  bpf_core_read(&out->len, 4, &skb->len);
  bpf_core_read(&out->hash, 4, &skb->hash);
  bpf_core_read(&out->mark, 4, &skb->mark);
  bpf_core_read(&out->priority, 4, &skb->priority);
  if (bpf_probe_read_kernel(header, sizeof(header), head + network)) return 0;
  u32 version = header[0] >> 4, length;
  // The protocol is set on receive and by most senders; on the way out the header alone tells.
  if (version == 4 && (protocol == __builtin_bswap16(ETH_P_IP) || !protocol)) {
    u32 v4;
    out->family = AF_INET;
    out->protocol = header[9];
    __builtin_memcpy(&v4, header + 12, 4);
    read_ipv4(out->saddr, v4);
    __builtin_memcpy(&v4, header + 16, 4);
    read_ipv4(out->daddr, v4);
    length = (header[0] & 0xf) * 4;
  } else if (version == 6 && (protocol == __builtin_bswap16(ETH_P_IPV6) || !protocol)) {
    out->family = AF_INET6;
    out->protocol = header[6];
    __builtin_memcpy(out->saddr, header + 8, 16);
    __builtin_memcpy(out->daddr, header + 24, 16);
    length = 40;
  } else {
    return 0;
  }
  // 65535: not set yet (skbuff.h: skb_transport_header_was_set).
  if (transport == 0xffff || transport <= network) transport = network + length;
  if (out->protocol == IPPROTO_TCP || out->protocol == IPPROTO_UDP || out->protocol == IPPROTO_SCTP) {
    u16 ports[2] = {};
    if (!bpf_probe_read_kernel(ports, 4, head + transport)) {
      out->sport = __builtin_bswap16(ports[0]);
      out->dport = __builtin_bswap16(ports[1]);
    }
  }
  return 0;
}

static __always_inline long read_cred(struct trigon_creds *out, u64 address) {
  const struct cred *cred = (void *)address;
  __builtin_memset(out, 0, sizeof(*out));
  // Eight ids side by side, as in struct trigon_creds (cred.h).
  if (!cred || bpf_probe_read_kernel(out, 32, __builtin_preserve_access_index(&cred->uid))) return -1;
  out->securebits = BPF_CORE_READ(cred, securebits);
  bpf_probe_read_kernel(&out->cap_inheritable, 40, __builtin_preserve_access_index(&cred->cap_inheritable));
  const struct user_namespace *ns = BPF_CORE_READ(cred, user_ns);
  out->user_ns_level = BPF_CORE_READ(ns, level);
  out->user_ns_owner = BPF_CORE_READ(ns, owner.val);
  out->user_ns_group = BPF_CORE_READ(ns, group.val);
  out->loginuid = out->sessionid = (u32)-1;
  return 0;
}

static __always_inline long read_user_ns(struct trigon_user_ns *out, u64 address) {
  const struct user_namespace *ns = (void *)address;
  if (!ns || bpf_core_read(&out->level, 4, &ns->level)) return -1;
  out->owner = BPF_CORE_READ(ns, owner.val);
  out->group = BPF_CORE_READ(ns, group.val);
  out->inode = BPF_CORE_READ(ns, ns.inum);
  return 0;
}

static __always_inline long read_module(struct trigon_module *out, u64 address) {
  struct module *module = (void *)address;
  __builtin_memset(out, 0, sizeof(*out));
  if (!module || bpf_core_read_str(out->name, sizeof(module->name), &module->name) < 0) return -1;
  out->taints = BPF_CORE_READ(module, taints);
  out->signed_ok = bpf_core_field_exists(module->sig_ok) ? BPF_CORE_READ(module, sig_ok) : 2;
  return 0;
}

static __always_inline long read_load_info(struct trigon_module *out, u64 address) {
  struct load_info *info = (void *)address;
  const char *name = NULL;
  __builtin_memset(out, 0, sizeof(*out));
  if (!info || bpf_core_read(&name, 8, &info->name)) return -1;
  bpf_probe_read_kernel_str(out->name, sizeof(out->name), name);
  struct module *module = BPF_CORE_READ(info, mod);
  if (module) out->taints = BPF_CORE_READ(module, taints);
  out->signed_ok = bpf_core_field_exists(info->sig_ok) ? BPF_CORE_READ(info, sig_ok) : 2;
  return 0;
}

// union bpf_attr of BPF_PROG_LOAD: prog_type, insn_cnt, …, prog_name at 48 (include/uapi/linux/bpf.h). The kernel's
// copy or the caller's.
static __always_inline long read_bpf_attr(struct trigon_bpf_prog *out, u64 address) {
  __builtin_memset(out, 0, sizeof(*out));
  if (!address || base_read(&out->type, 8, address)) return -1;
  base_read_str(out->name, sizeof(out->name), address + 48);
  return 0;
}

static __always_inline long read_bpf_prog(struct trigon_bpf_prog *out, u64 address) {
  struct bpf_prog *prog = (void *)address;
  __builtin_memset(out, 0, sizeof(*out));
  if (!prog || bpf_core_read(&out->type, 4, &prog->type)) return -1;
  bpf_core_read(&out->instructions, 4, &prog->len);
  struct bpf_prog_aux *aux = BPF_CORE_READ(prog, aux);
  bpf_core_read_str(out->name, sizeof(out->name), &aux->name);
  return 0;
}

static __always_inline long read_bpf_map(struct trigon_bpf_map *out, u64 address) {
  struct bpf_map *map = (void *)address;
  __builtin_memset(out, 0, sizeof(*out));
  if (!map || bpf_core_read(&out->type, 4, &map->map_type)) return -1;
  bpf_core_read(&out->key_size, 4, &map->key_size);
  bpf_core_read(&out->value_size, 4, &map->value_size);
  bpf_core_read(&out->max_entries, 4, &map->max_entries);
  bpf_core_read_str(out->name, sizeof(out->name), &map->name);
  return 0;
}

// struct perf_event_attr is uapi (include/uapi/linux/perf_event.h): type at 0, config at 8, config1 (kprobe_func, an
// address of the caller's) at 56, config2 (probe_offset) at 64.
static __always_inline long read_perf_event(struct trigon_perf_event *out, u64 address) {
  struct perf_event *event = (void *)address;
  u64 attr = (u64)__builtin_preserve_access_index(&event->attr), function = 0;
  __builtin_memset(out, 0, sizeof(*out));
  if (!event || bpf_probe_read_kernel(&out->type, 4, (void *)attr)) return -1;
  bpf_probe_read_kernel(&out->config, 8, (void *)(attr + 8));
  // PERF_TYPE_MAX is 6: dynamic ones (kprobe, uprobe) come after, and config1 is a function's name for them.
  if (out->type >= 6) {
    bpf_probe_read_kernel(&function, 8, (void *)(attr + 56));
    bpf_probe_read_kernel(&out->probe_offset, 8, (void *)(attr + 64));
    if (function) base_read_str(out->function, sizeof(out->function), function);
  }
  return 0;
}

#endif
