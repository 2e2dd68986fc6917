#include "engine/grade.h"

#include <algorithm>
#include <csignal>

#include "engine/mechanism.h"

namespace trigon::engine {
namespace {

// docs/guide/enforcement.md has the measurements. A call in no row is taken for one that is too late.
struct Calls {
  std::string_view names;  // separated by blanks
  Grade grade;
  std::string_view why;
};
constexpr Calls kCalls[] = {
    {"execve execveat fork vfork clone clone3 read pread64 pwrite64 pwritev copy_file_range process_vm_writev",
     Grade::kPreventByKill, "SIGKILL on entry ends the process before the call has an effect"},
    {"write sendfile splice", Grade::kAfterEffect,
     "SIGKILL on entry stops a write to a file, but not one to a socket or pipe"},
    {"open openat openat2 mmap io_uring_setup socket memfd_create userfaultfd perf_event_open fsopen",
     Grade::kAfterEffect,
     "the call succeeds (an open may create or truncate), but the process dies before it can use the result, unless it "
     "shares descriptors or memory with another"},
};
constexpr std::string_view kTooLate = "the call takes effect; the process does not live to do the next thing";

bool is_word_of(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

Verdict killed_at_call(const policy::Hook& hook) {
  if (hook.raw_syscalls) {
    return {Grade::kAfterEffect, "SIGKILL on entry stops some system calls and is too late for others"};
  }
  const std::string_view name = policy::syscall_name(hook.target.abi, hook.target.number);
  for (const Calls& calls : kCalls)
    if (is_word_of(calls.names, name)) return {calls.grade, std::string(calls.why)};
  return {Grade::kAfterEffect, std::string(kTooLate)};
}

Verdict signalled(const policy::Hook& hook, uint16_t signal) {
  if (signal != SIGKILL) return {Grade::kAfterEffect, "the signal is delivered when the kernel returns to the process"};
  if (hook.is_syscall) return killed_at_call(hook);
  if (hook.kind == policy::HookKind::kLsm)
    return {Grade::kAfterEffect, "the operation goes on, and the process dies behind it: Override beside it refuses"};
  return {Grade::kAfterEffect, "the kernel finishes what it is doing before the process dies"};
}

bool can_answer(const policy::Hook& hook) {
  if (hook.kind == policy::HookKind::kLsm) return true;
  return !hook.is_syscall && hook.point.kind == policy::HookPoint::Kind::kFunction &&
         !lsm_hook_of(hook.point.symbol).empty();
}

// The worst of what the enforcer's calls can do: one notification may reach any of them.
Verdict notified(const policy::Policy& policy, const policy::Actions& actions) {
  Verdict worst{Grade::kPrevent, "the enforcer's calls fail with an error, if the notification comes before them"};
  for (const policy::Hook& call : policy.hooks) {
    if (!call.enforcer) continue;
    Verdict one;
    if (actions.notify_error && can_answer(call)) continue;
    if (actions.notify_signal) one = signalled(call, *actions.notify_signal);
    if (one.grade > worst.grade) worst = one;
  }
  return worst;
}

}  // namespace

std::string_view grade_name(Grade grade) {
  switch (grade) {
    case Grade::kPrevent:
      return "PREVENT";
    case Grade::kPreventByKill:
      return "PREVENT-BY-KILL";
    case Grade::kAfterEffect:
      return "AFTER-EFFECT";
    case Grade::kDetect:
      break;
  }
  return "DETECT";
}

Verdict grade_of(const policy::Policy& policy, const policy::Hook& hook, const policy::Selector& selector) {
  const policy::Actions& actions = selector.actions;
  if (actions.error && can_answer(hook))
    return {Grade::kPrevent, "the security module answers with the error before anything has happened"};
  if (actions.signal != 0) return signalled(hook, actions.signal);
  if (actions.notify) return notified(policy, actions);
  if (selector.return_actions.signal != 0)
    return {Grade::kAfterEffect, "the signal is sent when the function has returned"};
  if (actions.error) return {Grade::kDetect, "nothing here can answer for the kernel"};
  if (hook.enforcer) return {Grade::kDetect, "does what NotifyEnforcer has noted for the thread"};
  return {};
}

}  // namespace trigon::engine
