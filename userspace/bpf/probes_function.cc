// Kernel functions through kprobes, and functions of programs through uprobes. The kernel function is getppid's: cheap,
// seldom called, without effect. The user function is one of this very binary.
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <optional>

#include "bpf/probes_table.h"

// Outside any namespace and never inlined, so that its address is where a uprobe can go.
extern "C" [[gnu::noinline, gnu::used]] int trigon_probe_target(int value) {
  asm volatile("" : "+r"(value));
  return value;
}

namespace trigon::bpf {
namespace {

#if defined(__x86_64__)
constexpr const char* kFunction = "__x64_sys_getppid";
#elif defined(__aarch64__)
constexpr const char* kFunction = "__arm64_sys_getppid";
#else
constexpr const char* kFunction = "sys_getppid";
#endif

// linux/bpf.h has it since 6.6, older headers build too.
constexpr auto kTraceUprobeMulti = static_cast<bpf_attach_type>(48);

void call_kernel_function() { syscall(SYS_getppid); }
void call_user_function() { trigon_probe_target(1); }

// Number of a performance monitoring unit: "kprobe", "uprobe".
std::optional<uint32_t> event_source(ProbeContext& context, const char* name) {
  const auto text =
      sys::read_small_file(context.kernel().path("/sys/bus/event_source/devices/") + name + std::string("/type"));
  uint32_t type = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), type).ec != std::errc()) return std::nullopt;
  return type;
}

// Where trigon_probe_target is in this binary's file; 0 when it cannot be told.
uint64_t target_offset() {
  const auto address = reinterpret_cast<uintptr_t>(&trigon_probe_target);
  const auto maps = sys::read_small_file("/proc/self/maps");
  if (!maps) return 0;
  for (size_t at = 0; at < maps->size();) {
    const size_t end = std::min(maps->find('\n', at), maps->size());
    unsigned long long from = 0;
    unsigned long long to = 0;
    unsigned long long offset = 0;
    if (std::sscanf(maps->substr(at, end - at).c_str(), "%llx-%llx %*s %llx", &from, &to, &offset) == 3 &&
        from <= address && address < to) {
      return address - from + offset;
    }
    at = end + 1;
  }
  return 0;
}

// Attaches program to a perf event of its own and lets fire() make it run.
template <typename Fire>
Outcome run_on_event(perf_event_attr& attributes, const Loaded& program, const Canary& canary, const char* what,
                     Fire fire) {
  attributes.size = sizeof(attributes);
  const Fd event(static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!event) return Outcome::no(errno, std::string("opening a ") + what + " event");
  if (ioctl(event.get(), PERF_EVENT_IOC_SET_BPF, program.fd.get()) != 0) {
    return Outcome::no(errno, std::string("attaching to the ") + what + " event");
  }
  if (ioctl(event.get(), PERF_EVENT_IOC_ENABLE, 0) != 0) {
    return Outcome::no(errno, std::string("enabling the ") + what + " event");
  }
  return canary.ran_after(fire);
}

Outcome no_event_source(const char* name) {
  return Outcome::no(0, std::string("/sys/bus/event_source/devices/") + name + " is missing");
}

}  // namespace

Outcome probe_kprobe(ProbeContext& context) {
  const auto type = event_source(context, "kprobe");
  if (!type) return no_event_source("kprobe");
  const Canary canary;
  if (!canary.valid()) return canary.failure();
  const Loaded program = load(BPF_PROG_TYPE_KPROBE, Code().mark(canary.map()).exit(0));
  if (!program) return program.failure;
  perf_event_attr attributes = {};
  attributes.type = *type;
  attributes.kprobe_func = reinterpret_cast<uintptr_t>(kFunction);
  return run_on_event(attributes, program, canary, "kprobe", call_kernel_function);
}

Outcome probe_kprobe_multi(ProbeContext&) {
  const Canary canary;
  if (!canary.valid()) return canary.failure();
  const Loaded program =
      load(BPF_PROG_TYPE_KPROBE, Code().mark(canary.map()).exit(0), attach_options(BPF_TRACE_KPROBE_MULTI, 0));
  if (!program) return program.failure;
  const char* names[] = {kFunction};
  bpf_link_create_opts options = {};
  options.sz = sizeof(options);
  options.kprobe_multi.cnt = 1;
  options.kprobe_multi.syms = names;
  const Fd link(bpf_link_create(program.fd.get(), 0, BPF_TRACE_KPROBE_MULTI, &options));
  if (!link) return Outcome::no(errno, "attaching to a list of functions");
  return canary.ran_after(call_kernel_function);
}

// Attaching is what the kernel refuses for programs that call the helper where it must not be; the call itself is on a
// path that is never taken (pid 0 makes no system calls).
Outcome probe_override_return(ProbeContext& context) {
  const auto type = event_source(context, "kprobe");
  if (!type) return no_event_source("kprobe");
  const Canary canary;
  if (!canary.valid()) return canary.failure();
  Code code;
  code.copy(BPF_REG_6, BPF_REG_1).call(BPF_FUNC_get_current_pid_tgid).skip_unless(BPF_REG_0, 0, 3);
  code.copy(BPF_REG_1, BPF_REG_6).mov(BPF_REG_2, 0).call(BPF_FUNC_override_return);
  code.mark(canary.map()).exit(0);
  const Loaded program = load(BPF_PROG_TYPE_KPROBE, code);
  if (!program) return program.failure;
  perf_event_attr attributes = {};
  attributes.type = *type;
  attributes.kprobe_func = reinterpret_cast<uintptr_t>(kFunction);
  return run_on_event(attributes, program, canary, "kprobe", call_kernel_function);
}

Outcome probe_uprobe(ProbeContext& context) {
  const auto type = event_source(context, "uprobe");
  if (!type) return no_event_source("uprobe");
  const Canary canary;
  if (!canary.valid()) return canary.failure();
  const Loaded program = load(BPF_PROG_TYPE_KPROBE, Code().mark(canary.map()).exit(0));
  if (!program) return program.failure;
  perf_event_attr attributes = {};
  attributes.type = *type;
  attributes.uprobe_path = reinterpret_cast<uintptr_t>("/proc/self/exe");
  attributes.probe_offset = target_offset();
  return run_on_event(attributes, program, canary, "uprobe", call_user_function);
}

Outcome probe_uprobe_multi(ProbeContext&) {
  const Canary canary;
  if (!canary.valid()) return canary.failure();
  const Loaded program =
      load(BPF_PROG_TYPE_KPROBE, Code().mark(canary.map()).exit(0), attach_options(kTraceUprobeMulti, 0));
  if (!program) return program.failure;
  const unsigned long offset = target_offset();
  bpf_link_create_opts options = {};
  options.sz = sizeof(options);
  options.uprobe_multi.path = "/proc/self/exe";
  options.uprobe_multi.offsets = &offset;
  options.uprobe_multi.cnt = 1;
  const Fd link(bpf_link_create(program.fd.get(), 0, kTraceUprobeMulti, &options));
  if (!link) return Outcome::no(errno, "attaching to a list of places");
  return canary.ran_after(call_user_function);
}

}  // namespace trigon::bpf
