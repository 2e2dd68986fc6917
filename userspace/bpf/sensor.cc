#include "bpf/sensor.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

#include "base/fd.h"
#include "bpf/core_types.h"
#include "bpf/kernel_types.h"
#include "bpf/log_capture.h"
#include "bpf/object_context.h"

// The skeleton names types as the programs do.
using u32 = uint32_t;
using u64 = uint64_t;
using s32 = int32_t;
#include "sensor.skel.h"
#include "sensor_unrolled.skel.h"

namespace trigon::bpf {

namespace {

Map map_of(const ObjectContext& context, const char* name) { return Map(context.map_fd(name), name); }

// Maps that only policies use: created with the first of them.
constexpr std::string_view kPolicyMaps[] = {
    "tri_syscalls", "tri_hooks",    "tri_vectors", "tri_selectors",    "tri_ranges",     "tri_prefixes",
    "tri_stats",    "tri_policies", "tri_files",   "tri_rates",        "tri_socks",      "tri_notified",
    "tri_event",    "tri_claims",   "tri_pending", "tri_pending_free", "tri_pending_of", "tri_returning"};

bool is_policy_map(const bpf_map* map) {
  return std::find(std::begin(kPolicyMaps), std::end(kPolicyMaps), std::string_view(bpf_map__name(map))) !=
         std::end(kPolicyMaps);
}

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

  ObjectContext context;
  Skeleton skel;
  Skeleton policy_maps;  // no programs
  // sys_enter and sys_exit, over the maps of the others: their verification is a quarter of a start, and many agents
  // never need them.
  Skeleton syscalls_skel;
  bool syscall_returns = false;  // sys_exit is loaded
  Skeleton watch_skel;           // process_watch
  std::vector<Link> links;
  std::vector<Link> syscalls_links;
  std::vector<Link> watch_links;
  std::unique_ptr<ring_buffer, RingDeleter> ring;
  StateStore store = StateStore::kHashMap;
  Map syscalls, hooks, vectors, selectors, numbers, ranges, prefixes, stats, policies;

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
    const std::string types_path = fmt::format("/proc/self/fd/{}", context.sensor_types.get());
    bpf_object_open_opts options{};
    options.sz = sizeof(options);
    options.btf_custom_path = types_path.c_str();
    Skeleton opened(static_cast<trigon_sensor*>(calloc(1, sizeof(trigon_sensor))));
    if (!opened || trigon_sensor__create_skeleton(opened.get()) != 0) return nullptr;
    if (!context.bpf_loop) {
      auto* skeleton = opened->skeleton;
      skeleton->data = const_cast<void*>(trigon_sensor_unrolled__elf_bytes(&skeleton->data_sz));
    }
    return bpf_object__open_skeleton(opened->skeleton, &options) == 0 ? std::move(opened) : nullptr;
  }

  Result<void> load_policy_maps() {
    if (policy_maps) return {};
    LogCapture log;
    context.learn_locks();
    policy_maps = open_programs();
    if (!policy_maps) return load_error(errno, "open BPF programs", log.text());
    bpf_program* program;
    bpf_object__for_each_program(program, policy_maps->obj) bpf_program__set_autoload(program, false);
    bpf_map* map;
    bpf_object__for_each_map(map, policy_maps->obj) {
      if (!is_policy_map(map)) bpf_map__set_autocreate(map, false);
    }
    ObjectContext::shrink(policy_maps->obj);
    if (const int err = trigon_sensor__load(policy_maps.get()); err != 0) {
      policy_maps.reset();
      return load_error(-err, "create the maps of policies", log.text());
    }
    context.own(policy_maps->obj);
    const uint32_t places = bpf_map__max_entries(policy_maps->maps.tri_pending);
    for (uint32_t i = 0; i < places; ++i) {
      if (bpf_map_update_elem(context.map_fd("tri_pending_free"), nullptr, &i, BPF_ANY) != 0)
        return Error::from_errno("fill the places for returns");
    }
    syscalls = map_of(context, "tri_syscalls");
    hooks = map_of(context, "tri_hooks");
    vectors = map_of(context, "tri_vectors");
    selectors = map_of(context, "tri_selectors");
    ranges = map_of(context, "tri_ranges");
    prefixes = map_of(context, "tri_prefixes");
    stats = map_of(context, "tri_stats");
    policies = map_of(context, "tri_policies");
    return {};
  }

  Result<void> load_watch() {
    LogCapture log;
    Skeleton loaded = open_programs();
    if (!loaded) return load_error(errno, "open BPF programs", log.text());
    bpf_program* program;
    bpf_object__for_each_program(program, loaded->obj) {
      bpf_program__set_autoload(program, program == loaded->progs.process_watch);
    }
    context.fill(loaded->rodata);
    TRIGON_CHECK(context.share(loaded->obj));
    if (const int err = trigon_sensor__load(loaded.get()); err != 0)
      return load_error(-err, "load the program that watches processes", log.text());
    watch_skel = std::move(loaded);
    return {};
  }

  Result<void> load_syscalls(bool returns) {
    LogCapture log;
    Skeleton loaded = open_programs();
    if (!loaded) return load_error(errno, "open BPF programs", log.text());
    bpf_program* program;
    bpf_object__for_each_program(program, loaded->obj) {
      bpf_program__set_autoload(program,
                                program == loaded->progs.sys_enter || (returns && program == loaded->progs.sys_exit));
    }
    context.fill(loaded->rodata);
    TRIGON_CHECK(context.share(loaded->obj));
    if (const int err = trigon_sensor__load(loaded.get()); err != 0)
      return load_error(-err, "load the programs of system calls", log.text());
    syscalls_skel = std::move(loaded);
    syscall_returns = returns;
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
  ObjectContext& context = impl->context;
  {
    TRIGON_TRY(const KernelTypes kernel, KernelTypes::read());
    impl->skel.reset(trigon_sensor__open());  // for its types only
    if (!impl->skel) return load_error(errno, "open BPF programs", log.text());
    features.learn_types(kernel);
    context.learn(kernel);
    TRIGON_TRY(context.sensor_types, core_types(bpf_object__btf(impl->skel->obj), kernel));
  }
  context.bpf_loop = features.has(Feature::kBpfLoop);
  impl->skel = impl->open_programs();
  if (!impl->skel) return load_error(errno, "open BPF programs", log.text());
  trigon_sensor* skel = impl->skel.get();

  context.task_storage = options.task_storage && features.has(Feature::kTaskStorage);
  impl->store = context.task_storage ? StateStore::kTaskStorage : StateStore::kHashMap;
  bpf_map__set_autocreate(context.task_storage ? skel->maps.tri_task_hash : skel->maps.tri_task, false);
  ObjectContext::shrink(skel->obj);

  uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  context.ring_bytes = std::bit_ceil(std::clamp<uint64_t>(options.ring_bytes, page, 1 << 30));
  bpf_map__set_max_entries(skel->maps.tri_ring, static_cast<uint32_t>(context.ring_bytes));
  context.environment = options.environment;
  context.cgroup_v1 = static_cast<uint32_t>(options.cgroup_v1_subsystem + 1);
  context.fill(skel->rodata);

  bpf_map* map;
  bpf_object__for_each_map(map, skel->obj) {
    if (is_policy_map(map)) bpf_map__set_autocreate(map, false);  // prepare_policies()
  }
  bpf_program__set_autoload(skel->progs.snapshot, features.has(Feature::kIterTask));
  bpf_program__set_autoload(skel->progs.sys_enter, false);  // attach_syscalls()
  bpf_program__set_autoload(skel->progs.sys_exit, false);
  bpf_program__set_autoload(skel->progs.process_watch, false);  // watch_processes()

  if (int err = trigon_sensor__load(skel); err != 0) return load_error(-err, "load BPF programs", log.text());
  context.own(skel->obj);

  impl->numbers = map_of(context, "tri_numbers");
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

Result<void> Sensor::prepare_policies() { return impl_->load_policy_maps(); }

Result<void> Sensor::attach_syscalls(bool returns) {
  if (!impl_->syscalls_links.empty() && (impl_->syscall_returns || !returns)) return {};
  TRIGON_CHECK(impl_->load_policy_maps());
  const bool reload = !impl_->syscalls_skel || (returns && !impl_->syscall_returns);
  // Those that run go on until the new ones are there; then there is a moment without.
  Impl::Skeleton old;
  if (reload) {
    old = std::move(impl_->syscalls_skel);
    if (auto loaded = impl_->load_syscalls(returns); !loaded.ok()) {
      impl_->syscalls_skel = std::move(old);
      return loaded;
    }
  }
  impl_->syscalls_links.clear();
  // Exits first: an entry that waits must be met.
  if (impl_->syscall_returns)
    TRIGON_CHECK(impl_->attach_to(&impl_->syscalls_links, impl_->syscalls_skel->progs.sys_exit));
  return impl_->attach_to(&impl_->syscalls_links, impl_->syscalls_skel->progs.sys_enter);
}

Result<void> Sensor::watch_processes(bool wanted) {
  if (!wanted) {
    impl_->watch_links.clear();
    return {};
  }
  if (!impl_->watch_links.empty()) return {};
  TRIGON_CHECK(impl_->load_policy_maps());
  if (!impl_->watch_skel) TRIGON_CHECK(impl_->load_watch());
  return impl_->attach_to(&impl_->watch_links, impl_->watch_skel->progs.process_watch);
}

void Sensor::detach_syscalls() { impl_->syscalls_links.clear(); }
bool Sensor::syscalls_attached() const { return !impl_->syscalls_links.empty(); }

void Sensor::detach() {
  impl_->syscalls_links.clear();
  impl_->watch_links.clear();
  impl_->links.clear();
}

size_t Sensor::sweep_pending(uint64_t age_ns) {
  const int of = impl_->context.map_fd("tri_pending_of"), free = impl_->context.map_fd("tri_pending_free");
  if (of < 0 || free < 0) return 0;
  // As bpf/lib/emit/pending.h lays them out.
  struct Key {
    uint64_t thread;
    uint32_t slot, pad;
  } key{}, next{};
  struct Place {
    uint32_t place, pad;
    uint64_t time_ns;
  } place{};
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  const uint64_t now_ns = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  size_t swept = 0;
  std::vector<Key> dead;
  for (void* at = nullptr; bpf_map_get_next_key(of, at, &next) == 0; at = &key) {
    key = next;
    if (bpf_map_lookup_elem(of, &key, &place) != 0 || now_ns - place.time_ns < age_ns) continue;
    if (access(fmt::format("/proc/{}", static_cast<uint32_t>(key.thread)).c_str(), F_OK) != 0) dead.push_back(key);
  }
  for (const Key& each : dead) {
    if (bpf_map_lookup_elem(of, &each, &place) != 0 || bpf_map_delete_elem(of, &each) != 0) continue;
    swept += bpf_map_update_elem(free, nullptr, &place.place, BPF_ANY) == 0;
  }
  return swept;
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
    out.total.overrides += one.overrides;
    out.total.scratch_busy += one.scratch_busy;
    out.total.pending_full += one.pending_full;
    out.total.rate_limited += one.rate_limited;
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
  if (impl_->syscalls_skel) {
    bpf_object__for_each_program(program, impl_->syscalls_skel->obj) { add_misses(program); }
  }
  return out;
}

uint64_t Sensor::ring_bytes() const { return impl_->context.ring_bytes; }
StateStore Sensor::state_store() const { return impl_->store; }

uint64_t Sensor::map_bytes() const {
  uint64_t sum = 0;
  for (const auto& [name, fd] : impl_->context.maps()) {
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
const Map& Sensor::stats() const { return impl_->stats; }
const Map& Sensor::policies() const { return impl_->policies; }
ObjectContext& Sensor::context() { return impl_->context; }

}  // namespace trigon::bpf
