// Tracepoints, iterators and what tracing programs may call. Programs hang on task:task_rename, which this thread makes
// fire by setting its own name to what it is: seldom hit by others, and no other program's speed depends on it.
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "bpf/probes_table.h"

namespace trigon::bpf {
namespace {

constexpr int kGetOrCreate = 1;  // BPF_LOCAL_STORAGE_GET_F_CREATE
constexpr const char* kNoStorage = "the kernel gave no storage for a task";

// Local storage comes from kmalloc_nolock() in 7.x, which always fails without that instruction (unless all caches are
// debugged). Real x86_64 processors have it, some emulated ones are told not to.
bool lacks_cmpxchg16b([[maybe_unused]] ProbeContext& context) {
#if defined(__x86_64__)
  const auto text = sys::read_small_file(context.kernel().path("/proc/cpuinfo"));
  return text && text->find(" cx16") == std::string::npos;
#else
  return false;
#endif
}

// Storage maps must say their types (key int, value u64).
Fd create_task_storage(int* error) {
  btf* types = btf__new_empty();
  const int key = btf__add_int(types, "int", 4, BTF_INT_SIGNED);
  const int value = btf__add_int(types, "u64", 8, 0);
  Fd map;
  if (btf__load_into_kernel(types) == 0) {
    bpf_map_create_opts options = {};
    options.sz = sizeof(options);
    options.map_flags = BPF_F_NO_PREALLOC;
    options.btf_fd = static_cast<uint32_t>(btf__fd(types));
    options.btf_key_type_id = static_cast<uint32_t>(key);
    options.btf_value_type_id = static_cast<uint32_t>(value);
    map = Fd(bpf_map_create(BPF_MAP_TYPE_TASK_STORAGE, "trigon_probe", sizeof(int), sizeof(uint64_t), 0, &options));
  }
  *error = errno;
  btf__free(types);
  return map;
}

// Loads code as an iterator over target ("bpf_iter_task"), opens it and reads once.
Outcome run_as_iterator(ProbeContext& context, const char* target) {
  const Canary canary;
  if (!canary.valid()) return canary.failure();
  const uint32_t id = context.btf_id(target);
  if (id == 0) return context.no_type(target);
  const Loaded program =
      load(BPF_PROG_TYPE_TRACING, Code().mark(canary.map()).exit(0), attach_options(BPF_TRACE_ITER, id));
  if (!program) return program.failure;
  const Fd link(bpf_link_create(program.fd.get(), 0, BPF_TRACE_ITER, nullptr));
  if (!link) return Outcome::no(errno, "attaching the iterator");
  const Fd iterator(bpf_iter_create(link.get()));
  if (!iterator) return Outcome::no(errno, "opening the iterator");
  return canary.ran_after([&] {
    std::array<char, 64> buffer;
    [[maybe_unused]] const ssize_t n = read(iterator.get(), buffer.data(), buffer.size());
  });
}

}  // namespace

Outcome probe_tracepoint_btf(ProbeContext& context) {
  const Canary canary;
  return run_on_rename(context, Code().mark(canary.map()).exit(0), canary);
}

Outcome probe_task_storage(ProbeContext& context) {
  int error = 0;
  const Fd map = create_task_storage(&error);
  if (!map) return Outcome::no(error, "creating a task storage map");
  const Canary canary;
  Code code;
  code.call(BPF_FUNC_get_current_task_btf).copy(BPF_REG_2, BPF_REG_0).map(BPF_REG_1, map.get());
  code.mov(BPF_REG_3, 0).mov(BPF_REG_4, kGetOrCreate).call(BPF_FUNC_task_storage_get);
  code.skip_if(BPF_REG_0, 0, Code::kMarkSize).mark(canary.map()).exit(0);
  Outcome outcome = run_on_rename(context, code, canary, kNoStorage);
  if (outcome.step == kNoStorage && lacks_cmpxchg16b(context)) {
    outcome.step += ": kernels of this age take it without locks, which needs a processor with cmpxchg16b";
  }
  return outcome;
}

Outcome probe_current_task_btf(ProbeContext& context) {
  const Canary canary;
  Code code;
  code.call(BPF_FUNC_get_current_task_btf).skip_if(BPF_REG_0, 0, Code::kMarkSize).mark(canary.map()).exit(0);
  return run_on_rename(context, code, canary);
}

// Signal 0 goes all the way but for the delivery.
Outcome probe_send_signal(ProbeContext& context) {
  const Canary canary;
  Code code;
  code.mov(BPF_REG_1, 0).call(BPF_FUNC_send_signal);
  code.skip_unless(BPF_REG_0, 0, Code::kMarkSize).mark(canary.map()).exit(0);
  return run_on_rename(context, code, canary, "the signal was refused to a program that was attached and ran");
}

Outcome probe_send_signal_task(ProbeContext& context) {
  const uint32_t function = context.btf_id("bpf_send_signal_task");
  if (function == 0) return context.no_type("bpf_send_signal_task");
  const Canary canary;
  Code code;  // task_rename's first argument is the task; then signal, PIDTYPE_PID, value
  code.load(BPF_REG_1, BPF_REG_1, 0).mov(BPF_REG_2, 0).mov(BPF_REG_3, 0).mov(BPF_REG_4, 0);
  code.call_kernel(static_cast<int>(function));
  code.skip_unless(BPF_REG_0, 0, Code::kMarkSize).mark(canary.map()).exit(0);
  return run_on_rename(context, code, canary, "the signal was refused to a program that was attached and ran");
}

Outcome probe_raw_tracepoint(ProbeContext&) {
  const Canary canary;
  if (!canary.valid()) return canary.failure();
  const Loaded program = load(BPF_PROG_TYPE_RAW_TRACEPOINT, Code().mark(canary.map()).exit(0));
  if (!program) return program.failure;
  const Fd link(bpf_raw_tracepoint_open("task_rename", program.fd.get()));
  if (!link) return Outcome::no(errno, "attaching to the tracepoint task_rename");
  return canary.ran_after(rename_self);
}

// The only kind that needs tracefs, for the tracepoint's number; it need not be mounted.
Outcome probe_tracepoint(ProbeContext& context) {
  Fd tracefs;
  if (const auto* mount = context.kernel().mount_of("tracefs")) {
    tracefs = Fd(open(mount->point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  } else {
    tracefs = sys::open_filesystem("tracefs");
  }
  if (!tracefs) return Outcome::no(errno, "opening tracefs");
  const auto text = sys::read_small_file("events/task/task_rename/id", tracefs.get());
  if (!text) return Outcome::no(ENOENT, "reading the number of the tracepoint task:task_rename");
  perf_event_attr attributes = {};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof(attributes);
  std::from_chars(text->data(), text->data() + text->size(), attributes.config);
  attributes.sample_period = 1;

  const Canary canary;
  if (!canary.valid()) return canary.failure();
  const Loaded program = load(BPF_PROG_TYPE_TRACEPOINT, Code().mark(canary.map()).exit(0));
  if (!program) return program.failure;
  const Fd event(static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!event) return Outcome::no(errno, "opening the perf event of the tracepoint");
  if (ioctl(event.get(), PERF_EVENT_IOC_SET_BPF, program.fd.get()) != 0) {
    return Outcome::no(errno, "attaching to the perf event");
  }
  if (ioctl(event.get(), PERF_EVENT_IOC_ENABLE, 0) != 0) return Outcome::no(errno, "enabling the perf event");
  return canary.ran_after(rename_self);
}

Outcome probe_iter_task(ProbeContext& context) { return run_as_iterator(context, "bpf_iter_task"); }

Outcome probe_iter_task_file(ProbeContext& context) { return run_as_iterator(context, "bpf_iter_task_file"); }

}  // namespace trigon::bpf
