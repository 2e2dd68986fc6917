#include "bpf/sensor.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

#include "base/fd.h"
#include "bpf/core_types.h"
#include "bpf/kernel_types.h"

// The skeleton names types as the programs do.
using u32 = uint32_t;
using u64 = uint64_t;
#include "sensor.skel.h"
#include "sensor_unrolled.skel.h"

namespace trigon::bpf {

namespace {

// libbpf's own words go into the error that is returned, not to stderr: the verifier's are long, the last lines matter.
thread_local std::string* g_log = nullptr;

int collect_log(enum libbpf_print_level level, const char* format, va_list args) {
  if (level == LIBBPF_DEBUG || g_log == nullptr) return 0;
  va_list again;
  va_copy(again, args);
  const int n = vsnprintf(nullptr, 0, format, args);
  if (n > 0) {
    // A verifier log is one message of up to megabytes; its end says what was refused.
    std::vector<char> text(static_cast<size_t>(n) + 1);
    vsnprintf(text.data(), text.size(), format, again);
    const size_t keep = std::min<size_t>(static_cast<size_t>(n), 4096);
    g_log->append(text.data() + n - keep, keep);
    if (g_log->size() > 32 << 10) g_log->erase(0, g_log->size() - (32 << 10));
  }
  va_end(again);
  return n;
}

class LogCapture {
 public:
  LogCapture() {
    g_log = &text_;
    libbpf_set_print(collect_log);
  }
  ~LogCapture() { g_log = nullptr; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

Error load_error(int err, const std::string& log) {
  if (err == EPERM || err == EACCES)
    return Error(
        ErrorCode::kPermission,
        "the kernel refuses to load BPF programs: run as root, or with CAP_BPF and CAP_PERFMON (and outside of "
        "a container that filters bpf(2))");
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
    return Error(ErrorCode::kUnsupported,
                 "this kernel has no type information at /sys/kernel/btf/vmlinux: it was built without "
                 "CONFIG_DEBUG_INFO_BTF");
  std::string tail = log.size() > 3000 ? log.substr(log.size() - 3000) : log;
  return Error(ErrorCode::kUnsupported, fmt::format("load BPF programs: {}\n{}", std::strerror(err), tail));
}

// Before 5.11 (bpf: "Switch to memcg-based memory accounting") a map is charged for all the entries that it could have,
// against RLIMIT_MEMLOCK, however few there are. Smaller tables there: a policy set that is too large is refused.
bool charges_memlock() {
  utsname kernel{};
  unsigned major = 0, minor = 0;
  return uname(&kernel) == 0 && std::sscanf(kernel.release, "%u.%u", &major, &minor) == 2 &&
         (major < 5 || (major == 5 && minor < 11));
}

Map map_of(const struct bpf_map* map) { return Map(bpf_map__fd(map), bpf_map__name(map)); }

}  // namespace

struct Sensor::Impl {
  struct SkelDeleter {
    void operator()(trigon_sensor* skel) const { trigon_sensor__destroy(skel); }
  };
  struct LinkDeleter {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
  };
  struct RingDeleter {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
  };
  using Link = std::unique_ptr<bpf_link, LinkDeleter>;

  using Skeleton = std::unique_ptr<trigon_sensor, SkelDeleter>;

  Fd types;  // narrowed BTF of the kernel (core_types.h)
  bool bpf_loop = true;
  Skeleton skel;
  // sys_enter alone, over the maps of `skel`: its verification is a quarter of a start, and many agents never need it.
  Skeleton syscalls_skel;
  std::vector<Link> links;
  Link syscalls_link;
  std::unique_ptr<ring_buffer, RingDeleter> ring;
  uint64_t ring_bytes = 0;
  StateStore store = StateStore::kHashMap;
  Map syscalls, hooks, vectors, selectors, numbers, ranges, prefixes;

  // Of the consume() that is running.
  const Handler* handler = nullptr;
  size_t left = 0;

  static int on_record(void* self, void* data, size_t size) {
    auto* impl = static_cast<Impl*>(self);
    (*impl->handler)(data, size);
    // A negative answer stops after this record; libbpf has moved past it.
    return --impl->left == 0 ? -EAGAIN : 0;
  }

  // The programs, not loaded yet. From the unrolled build where there is no bpf_loop: it is compiled from the same
  // sources and has the same programs, maps and variables.
  Skeleton open_programs() const {
    const std::string types_path = fmt::format("/proc/self/fd/{}", types.get());
    bpf_object_open_opts options{};
    options.sz = sizeof(options);
    options.btf_custom_path = types_path.c_str();
    Skeleton opened(static_cast<trigon_sensor*>(calloc(1, sizeof(trigon_sensor))));
    if (!opened || trigon_sensor__create_skeleton(opened.get()) != 0) return nullptr;
    if (!bpf_loop) {
      auto* skeleton = opened->skeleton;
      skeleton->data = const_cast<void*>(trigon_sensor_unrolled__elf_bytes(&skeleton->data_sz));
    }
    return bpf_object__open_skeleton(opened->skeleton, &options) == 0 ? std::move(opened) : nullptr;
  }

  Result<void> load_syscalls() {
    LogCapture log;
    syscalls_skel = open_programs();
    if (!syscalls_skel) return load_error(errno, log.text());
    bpf_program* program;
    bpf_object__for_each_program(program, syscalls_skel->obj) {
      bpf_program__set_autoload(program, program == syscalls_skel->progs.sys_enter);
    }
    bpf_map* map;
    bpf_object__for_each_map(map, syscalls_skel->obj) {
      const bpf_map* shared = bpf_object__find_map_by_name(skel->obj, bpf_map__name(map));
      // A map that was not created has a descriptor all the same, of nothing.
      const int fd = shared != nullptr && bpf_map__autocreate(shared) ? bpf_map__fd(shared) : -1;
      if (fd < 0)
        bpf_map__set_autocreate(map, false);  // the other kind of process state
      else if (bpf_map__reuse_fd(map, fd) != 0)
        return Error::from_errno(fmt::format("share map {}", bpf_map__name(map)));
    }
    if (int err = trigon_sensor__load(syscalls_skel.get()); err != 0) {
      syscalls_skel.reset();
      return load_error(-err, log.text());
    }
    return {};
  }

  Result<void> attach_to(std::vector<Link>* into, const bpf_program* program) {
    LogCapture log;
    Link link(bpf_program__attach(program));
    if (!link) {
      int err = errno;
      return Error(ErrorCode::kUnsupported, fmt::format("attach {} to {}: {}", bpf_program__name(program),
                                                        bpf_program__section_name(program), std::strerror(err)));
    }
    into->push_back(std::move(link));
    return {};
  }
};

Sensor::Sensor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sensor::~Sensor() = default;

Result<std::unique_ptr<Sensor>> Sensor::load(const SensorOptions& options, Features& features) {
  LogCapture log;
  // Before 5.11 maps are charged against the memory lock limit. Not being allowed to raise it is fine elsewhere.
  rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &unlimited);

  auto impl = std::make_unique<Impl>();
  uint32_t id_task = 0, id_binprm = 0, id_cgroup = 0;
  {
    TRIGON_TRY(const KernelTypes kernel, KernelTypes::read());
    impl->skel.reset(trigon_sensor__open());  // for its types only
    if (!impl->skel) return load_error(errno, log.text());
    features.learn_types(kernel);
    kernel.each([&](uint32_t id, uint32_t kind, std::string_view name) {
      if (kind != BTF_KIND_STRUCT) return;
      if (name == "task_struct") id_task = id;
      if (name == "linux_binprm") id_binprm = id;
      if (name == "cgroup") id_cgroup = id;
    });
    TRIGON_TRY(impl->types, core_types(bpf_object__btf(impl->skel->obj), kernel));
  }
  impl->bpf_loop = features.has(Feature::kBpfLoop);
  impl->skel = impl->open_programs();
  if (!impl->skel) return load_error(errno, log.text());
  trigon_sensor* skel = impl->skel.get();

  bool task_storage = options.task_storage && features.has(Feature::kTaskStorage);
  impl->store = task_storage ? StateStore::kTaskStorage : StateStore::kHashMap;
  skel->rodata->cfg_task_storage = task_storage;
  bpf_map__set_autocreate(task_storage ? skel->maps.tri_task_hash : skel->maps.tri_task, false);

  skel->rodata->cfg_btf_task = id_task;
  skel->rodata->cfg_btf_binprm = id_binprm;
  skel->rodata->cfg_btf_cgroup = id_cgroup;

  if (charges_memlock()) {
    bpf_map__set_max_entries(skel->maps.tri_numbers, 8192);
    bpf_map__set_max_entries(skel->maps.tri_ranges, 2048);
    bpf_map__set_max_entries(skel->maps.tri_prefixes, 4096);
    bpf_map__set_max_entries(skel->maps.tri_task_hash, 16384);
  }

  uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  impl->ring_bytes = std::bit_ceil(std::clamp<uint64_t>(options.ring_bytes, page, 1 << 30));
  bpf_map__set_max_entries(skel->maps.tri_ring, static_cast<uint32_t>(impl->ring_bytes));
  skel->rodata->cfg_ring_limit = impl->ring_bytes / 8 * 7;
  skel->rodata->cfg_env = options.environment;
  skel->rodata->cfg_cgroup_v1 = static_cast<uint32_t>(options.cgroup_v1_subsystem + 1);

  bpf_program__set_autoload(skel->progs.snapshot, features.has(Feature::kIterTask));
  bpf_program__set_autoload(skel->progs.sys_enter, false);  // attach_syscalls()

  if (int err = trigon_sensor__load(skel); err != 0) return load_error(-err, log.text());

  impl->syscalls = map_of(skel->maps.tri_syscalls);
  impl->hooks = map_of(skel->maps.tri_hooks);
  impl->vectors = map_of(skel->maps.tri_vectors);
  impl->selectors = map_of(skel->maps.tri_selectors);
  impl->numbers = map_of(skel->maps.tri_numbers);
  impl->ranges = map_of(skel->maps.tri_ranges);
  impl->prefixes = map_of(skel->maps.tri_prefixes);
  skel->bss->run_control.self_pid = static_cast<uint32_t>(getpid());

  impl->ring.reset(ring_buffer__new(bpf_map__fd(skel->maps.tri_ring), Impl::on_record, impl.get(), nullptr));
  if (!impl->ring) return Error::from_errno("map the ring buffer");
  return std::unique_ptr<Sensor>(new Sensor(std::move(impl)));
}

Result<void> Sensor::attach() {
  const auto& progs = impl_->skel->progs;
  // Exits last: a process whose exit is seen has had its birth seen.
  for (const bpf_program* program : {progs.cgroup_mkdir, progs.process_fork, progs.process_exec, progs.process_exit})
    TRIGON_CHECK(impl_->attach_to(&impl_->links, program));
  return {};
}

Result<void> Sensor::snapshot(const Handler& handler) {
  const bpf_program* program = impl_->skel->progs.snapshot;
  if (bpf_program__fd(program) < 0) return Error(ErrorCode::kUnsupported, "no task iterator");
  std::vector<Impl::Link> link;
  TRIGON_CHECK(impl_->attach_to(&link, program));
  Fd file(bpf_iter_create(bpf_link__fd(link.front().get())));
  if (!file) return Error::from_errno("open the task iterator");
  // Records follow each other without gaps; a read may end in the middle of one.
  std::vector<char> data(64 << 10);
  size_t have = 0;
  for (;;) {
    if (have == data.size()) data.resize(data.size() * 2);
    ssize_t n = ::read(file.get(), data.data() + have, data.size() - have);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return Error::from_errno("read the task iterator");
    if (n == 0) break;
    have += static_cast<size_t>(n);
    size_t at = 0;
    while (have - at >= sizeof(trigon_record)) {
      uint32_t size;
      std::memcpy(&size, data.data() + at, sizeof(size));
      if (size < sizeof(trigon_record)) return Error("the task iterator wrote a record without a size");
      if (have - at < size) break;
      // Aligned for the decoder.
      alignas(8) static thread_local char record[sizeof(trigon_exec) + 4 * TRIGON_MAX_PATH];
      if (size <= sizeof(record)) {
        std::memcpy(record, data.data() + at, size);
        handler(record, size);
      }
      at += size;
    }
    std::memmove(data.data(), data.data() + at, have - at);
    have -= at;
  }
  return {};
}

Result<void> Sensor::attach_syscalls() {
  if (impl_->syscalls_link) return {};
  if (!impl_->syscalls_skel) TRIGON_CHECK(impl_->load_syscalls());
  std::vector<Impl::Link> link;
  TRIGON_CHECK(impl_->attach_to(&link, impl_->syscalls_skel->progs.sys_enter));
  impl_->syscalls_link = std::move(link.front());
  return {};
}

void Sensor::detach_syscalls() { impl_->syscalls_link.reset(); }
bool Sensor::syscalls_attached() const { return impl_->syscalls_link != nullptr; }

void Sensor::detach() {
  impl_->syscalls_link.reset();
  impl_->links.clear();
}

int Sensor::ring_fd() const { return ring_buffer__epoll_fd(impl_->ring.get()); }

size_t Sensor::consume(const Handler& handler, size_t limit) {
  impl_->handler = &handler;
  impl_->left = limit;
  ring_buffer__consume(impl_->ring.get());
  return limit - impl_->left;
}

void Sensor::sleep() { __atomic_store_n(&impl_->skel->bss->run_reader_sleeps, 1, __ATOMIC_SEQ_CST); }
void Sensor::awake() { __atomic_store_n(&impl_->skel->bss->run_reader_sleeps, 0, __ATOMIC_RELAXED); }

SensorCounters Sensor::counters() const {
  SensorCounters out;
  int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return out;
  std::vector<trigon_counters> each(static_cast<size_t>(cpus));
  uint32_t zero = 0;
  if (bpf_map_lookup_elem(bpf_map__fd(impl_->skel->maps.tri_counters), &zero, each.data()) != 0) return out;
  for (const trigon_counters& one : each) {
    for (size_t i = 0; i < TRIGON_REC_KINDS; ++i) {
      out.total.produced[i] += one.produced[i];
      out.total.lost[i] += one.lost[i];
    }
    out.total.lost_total += one.lost_total;
    out.total.match_overflow += one.match_overflow;
    out.total.state_failures += one.state_failures;
    out.total.signals += one.signals;
    out.total.signal_failures += one.signal_failures;
    out.lost_by_cpu.push_back(one.lost_total);
  }
  const auto add_misses = [&out](const bpf_program* program) {
    bpf_prog_info info{};
    uint32_t length = sizeof(info);
    const int fd = bpf_program__fd(program);
    if (fd >= 0 && bpf_prog_get_info_by_fd(fd, &info, &length) == 0) out.recursion_misses += info.recursion_misses;
  };
  bpf_program* program;
  bpf_object__for_each_program(program, impl_->skel->obj) { add_misses(program); }
  if (impl_->syscalls_skel) add_misses(impl_->syscalls_skel->progs.sys_enter);
  return out;
}

uint64_t Sensor::ring_bytes() const { return impl_->ring_bytes; }
StateStore Sensor::state_store() const { return impl_->store; }

uint64_t Sensor::map_bytes() const {
  uint64_t sum = 0;
  bpf_map* map;
  bpf_object__for_each_map(map, impl_->skel->obj) {
    int fd = bpf_map__fd(map);
    if (fd < 0) continue;
    std::FILE* file = std::fopen(fmt::format("/proc/self/fdinfo/{}", fd).c_str(), "re");
    if (file == nullptr) continue;
    char line[128];
    unsigned long long bytes;
    while (std::fgets(line, sizeof(line), file) != nullptr)
      if (std::sscanf(line, "memlock: %llu", &bytes) == 1) sum += bytes;
    std::fclose(file);
  }
  return sum;
}

volatile trigon_control& Sensor::control() {
  return *reinterpret_cast<volatile trigon_control*>(&impl_->skel->bss->run_control);
}
const Map& Sensor::syscalls() const { return impl_->syscalls; }
const Map& Sensor::hooks() const { return impl_->hooks; }
const Map& Sensor::vectors() const { return impl_->vectors; }
const Map& Sensor::selectors() const { return impl_->selectors; }
const Map& Sensor::numbers() const { return impl_->numbers; }
const Map& Sensor::ranges() const { return impl_->ranges; }
const Map& Sensor::prefixes() const { return impl_->prefixes; }

}  // namespace trigon::bpf
