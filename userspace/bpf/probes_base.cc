// BPF itself, maps, helpers that any program may call.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "bpf/probes_table.h"

namespace trigon::bpf {
namespace {

constexpr int kRounds = 7;  // of the loop of probe_bpf_loop

Outcome creates_map(bpf_map_type type, const char* what) {
  const Fd map(bpf_map_create(type, "trigon_probe", sizeof(uint32_t), sizeof(uint64_t), 1, nullptr));
  return map ? Outcome::yes() : Outcome::no(errno, std::string("creating ") + what);
}

// The types of a program with a callback: main(void *) and step(u32, void *), both returning int.
struct CallbackTypes {
  CallbackTypes() : types(btf__new_empty()) {
    const int number = btf__add_int(types, "int", 4, BTF_INT_SIGNED);
    const int pointer = btf__add_ptr(types, 0);
    const int main_type = btf__add_func_proto(types, number);
    btf__add_func_param(types, "ctx", pointer);
    const int step_type = btf__add_func_proto(types, number);
    btf__add_func_param(types, "index", number);
    btf__add_func_param(types, "ctx", pointer);
    main = btf__add_func(types, "main", BTF_FUNC_GLOBAL, main_type);
    step = btf__add_func(types, "step", BTF_FUNC_STATIC, step_type);
    btf__load_into_kernel(types);
  }
  ~CallbackTypes() { btf__free(types); }
  CallbackTypes(const CallbackTypes&) = delete;
  CallbackTypes& operator=(const CallbackTypes&) = delete;

  btf* types;
  int main = 0;
  int step = 0;
};

}  // namespace

Outcome probe_bpf_syscall(ProbeContext&) { return creates_map(BPF_MAP_TYPE_ARRAY, "a map"); }

Outcome probe_hash_map(ProbeContext&) { return creates_map(BPF_MAP_TYPE_HASH, "a hash map"); }

Outcome probe_btf(ProbeContext& context) {
  const std::string path = context.kernel().path("/sys/kernel/btf/vmlinux");
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Outcome::no(errno, "opening " + path);
  uint16_t magic = 0;
  if (read(file.get(), &magic, sizeof(magic)) != sizeof(magic) || magic != BTF_MAGIC) {
    return Outcome::no(EINVAL, "reading " + path);
  }
  return Outcome::yes();
}

Outcome probe_jit(ProbeContext&) {
  const Loaded program = load(BPF_PROG_TYPE_SOCKET_FILTER, Code().exit(0));
  if (!program) return program.failure;
  bpf_prog_info info = {};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(program.fd.get(), &info, &size) != 0) return Outcome::no(errno, "asking for a program");
  if (info.jited_prog_len == 0) {
    return Outcome::no(0,
                       "programs are interpreted, since net.core.bpf_jit_enable is 0 or the compiler is not built in");
  }
  return Outcome::yes();
}

Outcome probe_run_statistics(ProbeContext&) {
  const Fd enabled(bpf_enable_stats(BPF_STATS_RUN_TIME));
  if (!enabled) return Outcome::no(errno, "enabling statistics");
  return Outcome::yes();
}

// A socket filter writes a record; the position of the producer, which the map shows in its second page, moves.
Outcome probe_ring_buffer(ProbeContext&) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const Fd map(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "trigon_probe", 0, 0, static_cast<uint32_t>(page), nullptr));
  if (!map) return Outcome::no(errno, "creating a ring buffer");
  Code code;
  code.store(BPF_REG_10, -8, 1).copy(BPF_REG_2, BPF_REG_10).add_imm(BPF_REG_2, -8);
  code.map(BPF_REG_1, map.get()).mov(BPF_REG_3, 8).mov(BPF_REG_4, 0).call(BPF_FUNC_ringbuf_output).exit(0);
  if (Outcome ran = run_as_filter(code); !ran.worked) return ran;
  void* producer = mmap(nullptr, page, PROT_READ, MAP_SHARED, map.get(), static_cast<off_t>(page));
  if (producer == MAP_FAILED) return Outcome::no(errno, "mapping the ring buffer");
  const auto written = *static_cast<const volatile unsigned long*>(producer);
  munmap(producer, page);
  return written != 0 ? Outcome::yes() : Outcome::no(0, "the record that a program wrote did not arrive");
}

// Needs type information, since the verifier checks the callback by it.
Outcome probe_bpf_loop(ProbeContext&) {
  const CallbackTypes types;
  const int types_fd = btf__fd(types.types);
  if (types_fd < 0) return Outcome::no(errno, "loading type information");
  Code code;
  // Behind the address (two instructions): two moves, the call, the exit; then the callback.
  code.mov(BPF_REG_1, kRounds).function(BPF_REG_2, 5).mov(BPF_REG_3, 0).mov(BPF_REG_4, 0).call(BPF_FUNC_loop);
  code.return_r0();
  const size_t callback = code.size();
  code.exit(0);
  bpf_func_info functions[] = {{0, static_cast<uint32_t>(types.main)},
                               {static_cast<uint32_t>(callback), static_cast<uint32_t>(types.step)}};
  bpf_prog_load_opts options = no_options();
  options.prog_btf_fd = static_cast<uint32_t>(types_fd);
  options.func_info = functions;
  options.func_info_cnt = 2;
  options.func_info_rec_size = sizeof(functions[0]);
  uint32_t rounds = 0;
  if (Outcome ran = run_as_filter(code, &rounds, options); !ran.worked) return ran;
  return rounds == kRounds ? Outcome::yes() : Outcome::no(0, "the loop did not run as often as asked");
}

}  // namespace trigon::bpf
