// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Birth of cgroups, so that the path of one that lives for a moment is known when its processes are reported.
//
//   tp_btf/cgroup_mkdir   with the path that the kernel printed for it
#include "bpf/lib/emit/ring.h"
#include "bpf/lib/read/task.h"

struct cgroup_scratch {
  struct trigon_cgroup_event event;
  char path[TRIGON_MAX_PATH];
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct cgroup_scratch);
} tri_cgrp_scratch SEC(".maps");

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_mkdir, struct cgroup *cgroup, const char *path) {
  u32 zero = 0;
  struct cgroup_scratch *scratch = bpf_map_lookup_elem(&tri_cgrp_scratch, &zero);
  struct trigon_counters *counters = base_counters();
  if (!scratch || !counters) return 0;
  cgroup = base_untrusted(cgroup, cfg_btf_cgroup);
  struct trigon_cgroup_event *event = &scratch->event;
  u64 id = bpf_get_current_pid_tgid();
  long n = bpf_probe_read_kernel_str(scratch->path, sizeof(scratch->path), path);
  u32 len = n > 0 ? n - 1 : 0;
  event->id = cgroup->kn->id;
  event->op = TRIGON_CGROUP_MKDIR;
  event->hierarchy = cgroup->root->hierarchy_id;
  event->path.off = sizeof(*event);
  event->path.len = len & (TRIGON_MAX_PATH - 1);
  emit_header(&event->rec, counters, TRIGON_REC_CGROUP, id >> 32, id, 0);
  emit_output(&event->rec, counters, sizeof(*event) + (len & (TRIGON_MAX_PATH - 1)));
  return 0;
}
