#include "bpf/purposes.h"

namespace trigon::bpf {
namespace {

constexpr Feature kNone = Feature::kCount;
using enum Feature;

// Nothing that a kernel does better than a typed tracepoint at these places: the new image is in place and has not run.
constexpr Candidate kExecution[] = {{"tp_btf/sched_process_exec", {kTracepointBtf, kNone}, true}};
constexpr Candidate kStart[] = {{"tp_btf/task_newtask", {kTracepointBtf, kNone}, true}};
constexpr Candidate kExit[] = {{"tp_btf/sched_process_exit", {kTracepointBtf, kNone}, true}};
constexpr Candidate kDelivery[] = {{"ring buffer", {kRingBuffer, kNone}, true}};
constexpr Candidate kSnapshot[] = {
    {"iter/task", {kIterTask, kNone}, true},
    {"/proc", {kNone, kNone}, true},
};
constexpr Candidate kState[] = {
    {"task storage", {kTaskStorage, kNone}, true},
    {"hash map by pid", {kHashMap, kNone}, true},
};
constexpr Candidate kCgroups[] = {
    {"tp_btf/cgroup_mkdir", {kTracepointBtf, kNone}, true},
    {"/proc/PID/cgroup", {kNone, kNone}, true},
};
constexpr Candidate kSystemCalls[] = {{"tp_btf/sys_enter", {kTracepointBtf, kNone}, true}};
constexpr Candidate kTracepoints[] = {
    {"tp_btf", {kTracepointBtf, kNone}, false},
    {"raw tracepoint", {kRawTracepoint, kNone}, true},
    {"perf event", {kTracepoint, kNone}, true},
};
constexpr Candidate kFunctions[] = {
    {"fentry", {kFentry, kNone}, true},
    {"kprobe-multi", {kKprobeMulti, kNone}, true},
    {"kprobe", {kKprobe, kNone}, true},
};
constexpr Candidate kSecurityHooks[] = {
    {"BPF LSM", {kLsm, kNone}, true},
    {"fmod_ret/security_*", {kFmodRet, kNone}, false},
};
constexpr Candidate kUserFunctions[] = {
    {"uprobe-multi", {kUprobeMulti, kNone}, false},
    {"uprobe", {kUprobe, kNone}, true},
};
constexpr Candidate kKill[] = {{"bpf_send_signal", {kSendSignal, kNone}, true}};
constexpr Candidate kDenyFile[] = {
    {"BPF LSM", {kLsm, kNone}, true},
    {"fmod_ret/security_*", {kFmodRet, kDPath}, false},
    {"fanotify permission events", {kFanotifyPermission, kNone}, false},
    {"Landlock", {kLandlock, kNone}, false},
    {"seccomp user notification", {kSeccompNotify, kNone}, false},
};
constexpr Candidate kDenyNetwork[] = {
    {"BPF LSM", {kLsm, kNone}, true},
    {"control group programs (connect, sendmsg, bind)", {kCgroupConnect, kNone}, false},
};
constexpr Candidate kDenyCall[] = {
    {"bpf_override_return", {kOverrideReturn, kNone}, false},
    {"seccomp user notification", {kSeccompNotify, kNone}, false},
};
constexpr Candidate kTraffic[] = {
    {"tcx", {kTcx, kNone}, false},
    {"tc", {kTc, kNone}, false},
};

constexpr Purpose kPurposes[] = {
    {"program_execution", "programs executed", true, kExecution},
    {"process_start", "processes started", true, kStart},
    {"process_exit", "processes ended", true, kExit},
    {"event_delivery", "events to user space", true, kDelivery},
    {"process_state", "state per process", true, kState},
    {"snapshot", "processes there before", true, kSnapshot},
    {"cgroups", "control groups", false, kCgroups},
    {"system_calls", "system calls", false, kSystemCalls},
    {"tracepoints", "other tracepoints", false, kTracepoints},
    {"kernel_functions", "kernel functions", false, kFunctions},
    {"security_hooks", "security hooks", false, kSecurityHooks},
    {"user_functions", "functions of programs", false, kUserFunctions},
    {"usdt", "static probes of programs (USDT)", false, kUserFunctions},
    {"traffic", "packets", false, kTraffic},
    {"kill", "kill a process", false, kKill},
    {"deny_file", "refuse access to a file", false, kDenyFile},
    {"deny_network", "refuse a connection", false, kDenyNetwork},
    {"deny_system_call", "refuse a system call", false, kDenyCall},
};

// The first need that is not met; kCount when all are.
Feature unmet(const Candidate& candidate, Features& features) {
  for (const Feature need : candidate.needs) {
    if (need != kNone && !features.has(need)) return need;
  }
  return kNone;
}

// BTF first: without it the typed tracepoints' refusal would only say the same in more words.
constexpr Feature kRequired[] = {kBpfSyscall, kBtf, kTracepointBtf, kRingBuffer, kHashMap};

}  // namespace

std::span<const Purpose> purposes() { return kPurposes; }

Choice choose(const Purpose& purpose, Features& features) {
  Choice choice{&purpose, nullptr, {}};
  for (const Candidate& candidate : purpose.candidates) {
    const Feature missing = unmet(candidate, features);
    if (missing == kNone && candidate.carried) {
      choice.chosen = &candidate;
      break;
    }
    if (missing == kNone) {
      choice.passed_over.push_back({&candidate, true, "not yet used by this version of Trigon"});
    } else {
      std::string why = features.why_not(missing);
      if (missing != candidate.needs[0]) why.insert(0, std::string(feature_info(missing).title) + ": ");
      choice.passed_over.push_back({&candidate, false, std::move(why)});
    }
  }
  return choice;
}

Result<void> check_required(Features& features) {
  for (const Feature feature : kRequired) TRIGON_CHECK(features.require(feature));
  return {};
}

}  // namespace trigon::bpf
