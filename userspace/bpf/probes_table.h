// One function per feature; probes.cc has the table.
#pragma once

#include "bpf/probes_run.h"

namespace trigon::bpf {

// probes_base.cc: BPF itself, maps, helpers.
Outcome probe_bpf_syscall(ProbeContext& context);
Outcome probe_btf(ProbeContext& context);
Outcome probe_jit(ProbeContext& context);
Outcome probe_run_statistics(ProbeContext& context);
Outcome probe_ring_buffer(ProbeContext& context);
Outcome probe_hash_map(ProbeContext& context);
Outcome probe_bpf_loop(ProbeContext& context);

// probes_trace.cc: tracepoints, iterators, what tracing programs may call.
Outcome probe_task_storage(ProbeContext& context);
Outcome probe_current_task_btf(ProbeContext& context);
Outcome probe_send_signal(ProbeContext& context);
Outcome probe_send_signal_task(ProbeContext& context);
Outcome probe_tracepoint_btf(ProbeContext& context);
Outcome probe_raw_tracepoint(ProbeContext& context);
Outcome probe_tracepoint(ProbeContext& context);
Outcome probe_iter_task(ProbeContext& context);
Outcome probe_iter_task_file(ProbeContext& context);

// probes_function.cc: kernel functions, user functions.
Outcome probe_kprobe(ProbeContext& context);
Outcome probe_kprobe_multi(ProbeContext& context);
Outcome probe_override_return(ProbeContext& context);
Outcome probe_uprobe(ProbeContext& context);
Outcome probe_uprobe_multi(ProbeContext& context);

// probes_trampoline.cc: what hangs on a BPF trampoline.
Outcome probe_fentry(ProbeContext& context);
Outcome probe_fexit(ProbeContext& context);
Outcome probe_fmod_ret(ProbeContext& context);
Outcome probe_d_path(ProbeContext& context);
Outcome probe_lsm(ProbeContext& context);
Outcome probe_lsm_sleepable(ProbeContext& context);
Outcome probe_lsm_cgroup(ProbeContext& context);

// probes_network.cc: control groups, traffic control, XDP.
Outcome probe_cgroup_connect(ProbeContext& context);
Outcome probe_cgroup_sysctl(ProbeContext& context);
Outcome probe_cgroup_device(ProbeContext& context);
Outcome probe_tc(ProbeContext& context);
Outcome probe_tcx(ProbeContext& context);
Outcome probe_xdp(ProbeContext& context);

// probes_other.cc: without BPF.
Outcome probe_fanotify_permission(ProbeContext& context);
Outcome probe_landlock(ProbeContext& context);
Outcome probe_seccomp_notify(ProbeContext& context);
Outcome probe_pidfd(ProbeContext& context);
Outcome probe_login_uid(ProbeContext& context);

}  // namespace trigon::bpf
