#include "bpf/hook_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <optional>

#include "base/fd.h"
#include "bpf/core_types.h"
#include "bpf/log_capture.h"
#include "bpf/object_context.h"

// The skeletons name types as the programs do.
using u32 = uint32_t;
using u64 = uint64_t;
using s32 = int32_t;
#include "probe.skel.h"
#include "probe_unrolled.skel.h"
#include "sensor.skel.h"

namespace trigon::bpf {

namespace {

// linux/bpf.h since 6.6; the one of the build may be older.
constexpr auto kTraceUprobeMulti = static_cast<bpf_attach_type>(48);
constexpr uint32_t kUprobeMultiReturn = 1;

// Both objects share the map behind .bss.
static_assert(offsetof(std::remove_pointer_t<decltype(trigon_sensor::bss)>, run_control) ==
                  offsetof(std::remove_pointer_t<decltype(trigon_probe::bss)>, run_control) &&
              sizeof(*trigon_sensor::bss) == sizeof(*trigon_probe::bss));

// The sections trigon/… have programs whose target libbpf must not look for: it would read all of the kernel's types
// for each. It asks here what the type number is just before it loads the program.
thread_local uint32_t g_target_id = 0;
thread_local uint32_t g_return_id = 0;  // of fexit

int aim(bpf_program* program, bpf_prog_load_opts* options, long cookie) {
  const auto attach = static_cast<bpf_attach_type>(cookie);
  options->attach_btf_id = attach == BPF_TRACE_FEXIT ? g_return_id : g_target_id;
  // Not in the options: libbpf fills that one in after it has asked.
  if (const int err = bpf_program__set_expected_attach_type(program, attach); err != 0) return err;
  return bpf_program__set_type(program, attach == BPF_LSM_MAC ? BPF_PROG_TYPE_LSM : BPF_PROG_TYPE_TRACING);
}

// Once per process.
int register_sections() {
  constexpr struct {
    const char* section;
    bpf_attach_type attach;
  } kSections[] = {{"trigon/fentry", BPF_TRACE_FENTRY}, {"trigon/fexit", BPF_TRACE_FEXIT}, {"trigon/lsm", BPF_LSM_MAC}};
  for (const auto& [section, attach] : kSections) {
    libbpf_prog_handler_opts options{};
    options.sz = sizeof(options);
    options.cookie = attach;
    options.prog_prepare_load_fn = aim;
    // Any type but the real one, which would make libbpf want the kernel's types.
    const int err =
        libbpf_register_prog_handler(section, BPF_PROG_TYPE_KPROBE, static_cast<bpf_attach_type>(0), &options);
    if (err < 0) return err;
  }
  return 0;
}

struct Target {
  uint32_t id = 0;    // type number of the function
  uint32_t args = 0;  // that it takes
};

std::optional<Target> find_function(const KernelTypes& kernel, std::string_view name) {
  std::optional<Target> found;
  kernel.each([&](uint32_t id, uint32_t kind, std::string_view each) {
    if (found || kind != BTF_KIND_FUNC || each != name) return;
    const btf_type& prototype = kernel.type(kernel.type(id).type);
    found = Target{id, BTF_INFO_VLEN(prototype.info)};
  });
  return found;
}

struct LinkDeleter {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, LinkDeleter>;

struct SkelDeleter {
  void operator()(trigon_probe* skel) const { trigon_probe__destroy(skel); }
};

uint64_t memlock_of(int fd) {
  std::FILE* file = std::fopen(fmt::format("/proc/self/fdinfo/{}", fd).c_str(), "re");
  if (file == nullptr) return 0;
  char line[128];
  unsigned long long bytes = 0;
  while (std::fgets(line, sizeof(line), file) != nullptr)
    if (std::sscanf(line, "memlock: %llu", &bytes) == 1) break;
  std::fclose(file);
  return bytes;
}

}  // namespace

std::string_view mechanism_name(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::kFentry:
      return "fentry";
    case Mechanism::kLsm:
      return "lsm";
    case Mechanism::kKprobeMulti:
      return "kprobe_multi";
    case Mechanism::kKprobe:
      return "kprobe";
    case Mechanism::kTracepoint:
      return "tracepoint";
    case Mechanism::kRawTracepoint:
      return "raw_tracepoint";
    case Mechanism::kUprobeMulti:
      return "uprobe_multi";
    case Mechanism::kUprobe:
      return "uprobe";
  }
  return "";
}

struct HookProgram::Impl {
  HookProgramSpec spec;
  std::unique_ptr<trigon_probe, SkelDeleter> skel;
  bpf_program* entry = nullptr;
  bpf_program* exit = nullptr;  // with a return phase
  std::vector<Link> links;
  std::vector<Fd> trampolines;  // links that libbpf does not know
  std::vector<Fd> programs;     // once they are attached, when the skeleton is gone
  uint64_t rodata_bytes = 0;

  // The kernel keeps what its programs use; the rest of the object is megabytes and two dozen descriptors.
  void keep_programs() {
    for (const bpf_program* program : {entry, exit}) {
      if (program != nullptr) programs.emplace_back(fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 0));
    }
    rodata_bytes = memlock_of(bpf_map__fd(skel->maps.rodata));
    entry = exit = nullptr;
    skel.reset();
  }

  void choose() {
    const auto& progs = skel->progs;
    switch (spec.mechanism) {
      case Mechanism::kFentry:
        entry = progs.hook_fentry;
        exit = progs.hook_fexit;
        break;
      case Mechanism::kLsm:
        entry = progs.hook_lsm;
        exit = progs.hook_fexit;
        break;
      case Mechanism::kKprobeMulti:
        entry = progs.hook_kprobe_multi;
        exit = progs.hook_kretprobe_multi;
        break;
      case Mechanism::kKprobe:
        entry = progs.hook_kprobe;
        exit = progs.hook_kretprobe;
        break;
      case Mechanism::kTracepoint:
        entry = progs.hook_tracepoint;
        break;
      case Mechanism::kRawTracepoint:
        entry = progs.hook_raw_tracepoint;
        break;
      case Mechanism::kUprobeMulti:
      case Mechanism::kUprobe:
        entry = progs.hook_uprobe;
        exit = progs.hook_uretprobe;
        break;
    }
    if (!spec.returns) exit = nullptr;
  }

  bool by_trampoline() const { return spec.mechanism == Mechanism::kFentry || spec.mechanism == Mechanism::kLsm; }

  Error attach_error(int err, std::string_view what) const {
    const std::string place = spec.subsystem.empty() ? spec.symbol : spec.subsystem + "/" + spec.symbol;
    std::string why = std::strerror(err);
    if (err == ENOENT) why = "there is no such place in this kernel";
    return Error(err == EPERM || err == EACCES ? ErrorCode::kPermission : ErrorCode::kUnsupported,
                 fmt::format("attach {} to {}: {}", what, spec.path.empty() ? place : spec.path, why));
  }

  Result<void> attach_trampoline(const bpf_program* program, bpf_attach_type type, std::string_view what) {
    // Falls back to the older call by itself (before 5.18).
    const int fd = bpf_link_create(bpf_program__fd(program), 0, type, nullptr);
    if (fd < 0) return attach_error(errno, what);
    trampolines.emplace_back(fd);
    return {};
  }

  Result<void> keep(bpf_link* link, std::string_view what) {
    if (link == nullptr) return attach_error(errno, what);
    links.emplace_back(link);
    return {};
  }

  Result<void> attach_kprobe(const bpf_program* program, bool is_return) {
    bpf_kprobe_opts options{};
    options.sz = sizeof(options);
    options.retprobe = is_return;
    return keep(bpf_program__attach_kprobe_opts(program, spec.symbol.c_str(), &options),
                is_return ? "kretprobe" : "kprobe");
  }

  Result<void> attach_kprobe_multi(const bpf_program* program, bool is_return) {
    const char* symbols[] = {spec.symbol.c_str()};
    bpf_kprobe_multi_opts options{};
    options.sz = sizeof(options);
    options.syms = symbols;
    options.cnt = 1;
    options.retprobe = is_return;
    return keep(bpf_program__attach_kprobe_multi_opts(program, nullptr, &options),
                is_return ? "kretprobe.multi" : "kprobe.multi");
  }

  Result<void> attach_uprobe(const bpf_program* program, bool is_return) {
    bpf_uprobe_opts options{};
    options.sz = sizeof(options);
    options.retprobe = is_return;
    options.ref_ctr_offset = spec.ref_ctr_offset;
    return keep(bpf_program__attach_uprobe_opts(program, -1, spec.path.c_str(), spec.offset, &options),
                is_return ? "uretprobe" : "uprobe");
  }

  Result<void> attach_uprobe_multi(const bpf_program* program, bool is_return) {
    unsigned long offset = spec.offset, counter = spec.ref_ctr_offset;
    bpf_link_create_opts options{};
    options.sz = sizeof(options);
    options.uprobe_multi.path = spec.path.c_str();
    options.uprobe_multi.offsets = &offset;
    if (counter != 0) options.uprobe_multi.ref_ctr_offsets = &counter;
    options.uprobe_multi.cnt = 1;
    if (is_return) options.uprobe_multi.flags = kUprobeMultiReturn;
    const int fd = bpf_link_create(bpf_program__fd(program), 0, kTraceUprobeMulti, &options);
    if (fd < 0) return attach_error(errno, is_return ? "uretprobe.multi" : "uprobe.multi");
    trampolines.emplace_back(fd);
    return {};
  }

  // By the number in the tracepoint's folder: libbpf wants tracefs mounted where it usually is.
  Result<void> attach_tracepoint() {
    perf_event_attr attributes{};
    attributes.type = PERF_TYPE_TRACEPOINT;
    attributes.size = sizeof(attributes);
    attributes.config = spec.tracepoint_id;
    Fd event(static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
    if (!event) return attach_error(errno, "tracepoint");
    bpf_link* link = bpf_program__attach_perf_event(entry, event.get());
    if (link != nullptr) (void)event.release();  // the link closes it
    return keep(link, "tracepoint");
  }

  Result<void> attach_one(const bpf_program* program, bool is_return) {
    switch (spec.mechanism) {
      case Mechanism::kFentry:
        return attach_trampoline(program, is_return ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY,
                                 is_return ? "fexit" : "fentry");
      case Mechanism::kLsm:
        return is_return ? attach_trampoline(program, BPF_TRACE_FEXIT, "fexit")
                         : attach_trampoline(program, BPF_LSM_MAC, "BPF LSM");
      case Mechanism::kKprobeMulti:
        return attach_kprobe_multi(program, is_return);
      case Mechanism::kKprobe:
        return attach_kprobe(program, is_return);
      case Mechanism::kTracepoint:
        return attach_tracepoint();
      case Mechanism::kRawTracepoint:
        return keep(bpf_program__attach_raw_tracepoint(program, spec.symbol.c_str()), "raw tracepoint");
      case Mechanism::kUprobeMulti:
        return attach_uprobe_multi(program, is_return);
      case Mechanism::kUprobe:
        return attach_uprobe(program, is_return);
    }
    return {};
  }
};

HookProgram::HookProgram(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HookProgram::~HookProgram() = default;

Result<std::unique_ptr<HookProgram>> HookProgram::load(Sensor* sensor, const KernelTypes& kernel,
                                                       const HookProgramSpec& spec) {
  static const int registered = register_sections();
  if (registered < 0) return Error::from_errno(-registered, "register the sections of hook programs");
  if (spec.fields.size() > TRIGON_MAX_FIELDS) return Error("a hook program reads more values than there are fields");
  TRIGON_CHECK(sensor->prepare_policies());
  ObjectContext& context = sensor->context();
  LogCapture log;
  auto impl = std::make_unique<Impl>();
  impl->spec = spec;

  if (!context.hook_types) {
    std::unique_ptr<trigon_probe, SkelDeleter> types(trigon_probe__open());
    if (!types) return load_error(errno, "open hook programs", log.text());
    TRIGON_TRY(context.hook_types, core_types(bpf_object__btf(types->obj), kernel));
  }
  const std::string types_path = fmt::format("/proc/self/fd/{}", context.hook_types.get());
  bpf_object_open_opts options{};
  options.sz = sizeof(options);
  options.btf_custom_path = types_path.c_str();
  impl->skel.reset(static_cast<trigon_probe*>(calloc(1, sizeof(trigon_probe))));
  if (!impl->skel || trigon_probe__create_skeleton(impl->skel.get()) != 0)
    return load_error(errno, "open hook programs", log.text());
  trigon_probe* skel = impl->skel.get();
  if (!context.bpf_loop)
    skel->skeleton->data = const_cast<void*>(trigon_probe_unrolled__elf_bytes(&skel->skeleton->data_sz));
  if (bpf_object__open_skeleton(skel->skeleton, &options) != 0)
    return load_error(errno, "open hook programs", log.text());

  impl->choose();
  bpf_program* program;
  bpf_object__for_each_program(program, skel->obj) {
    bpf_program__set_autoload(program, program == impl->entry || program == impl->exit);
  }
  if (spec.mechanism == Mechanism::kUprobeMulti) {
    for (bpf_program* probe : {impl->entry, impl->exit})
      if (probe != nullptr) bpf_program__set_expected_attach_type(probe, kTraceUprobeMulti);
  }
  TRIGON_CHECK(context.share(skel->obj));

  auto* rodata = skel->rodata;
  context.fill(rodata);
  rodata->cfg_slot = spec.slot;
  rodata->cfg_return_slot = spec.returns ? spec.return_slot : 0;
  rodata->cfg_fields = static_cast<uint32_t>(spec.fields.size());
  rodata->cfg_entry_fields = spec.entry_fields;
  rodata->cfg_actions = spec.actions;
  std::copy(spec.fields.begin(), spec.fields.end(), rodata->cfg_field);

  if (impl->by_trampoline()) {
    const std::string name = spec.mechanism == Mechanism::kLsm ? "bpf_lsm_" + spec.symbol : spec.symbol;
    const auto target = find_function(kernel, name);
    if (!target) {
      return Error(ErrorCode::kUnsupported,
                   fmt::format("this kernel's types have no {} {}",
                               spec.mechanism == Mechanism::kLsm ? "LSM hook" : "function", spec.symbol));
    }
    g_target_id = g_return_id = target->id;
    rodata->cfg_args = target->args;
    if (spec.returns && spec.mechanism == Mechanism::kLsm) {
      const auto function = find_function(kernel, spec.return_symbol);
      if (!function || function->args != target->args) {
        return Error(
            ErrorCode::kUnsupported,
            fmt::format("the return of {} cannot be seen beside its LSM hook: this kernel's types have no such "
                        "function, or it takes other arguments",
                        spec.return_symbol));
      }
      g_return_id = function->id;
    }
  } else {
    uint32_t args = 0;
    for (const trigon_field_conf& field : spec.fields) {
      if (field.source == TRIGON_FROM_ARG) args = std::max<uint32_t>(args, field.arg + 1u);
      args = std::max<uint32_t>(args, field.size_arg);
    }
    rodata->cfg_args = args;
  }
  if (const int err = bpf_object__load_skeleton(skel->skeleton); err != 0) {
    return load_error(-err, fmt::format("load the {} program of {}", mechanism_name(spec.mechanism), spec.symbol),
                      log.text());
  }
  return std::unique_ptr<HookProgram>(new HookProgram(std::move(impl)));
}

Result<void> HookProgram::attach() {
  LogCapture log;
  if (impl_->exit != nullptr) TRIGON_CHECK(impl_->attach_one(impl_->exit, true));
  TRIGON_CHECK(impl_->attach_one(impl_->entry, false));
  impl_->keep_programs();
  return {};
}

Mechanism HookProgram::mechanism() const { return impl_->spec.mechanism; }

uint64_t HookProgram::kernel_bytes() const {
  uint64_t bytes = impl_->rodata_bytes;
  for (const Fd& program : impl_->programs) bytes += memlock_of(program.get());
  return bytes;
}

namespace {

bpf_prog_info info_of(int program) {
  bpf_prog_info info{};
  uint32_t size = sizeof(info);
  if (bpf_prog_get_info_by_fd(program, &info, &size) != 0) return {};
  return info;
}

}  // namespace

uint64_t HookProgram::verified_instructions() const {
  uint64_t sum = 0;
  for (const Fd& program : impl_->programs) sum += info_of(program.get()).verified_insns;
  return sum;
}

uint64_t HookProgram::recursion_misses() const {
  uint64_t sum = 0;
  for (const Fd& program : impl_->programs) sum += info_of(program.get()).recursion_misses;
  return sum;
}

}  // namespace trigon::bpf
