#include "bpf/probes_run.h"

#include <fcntl.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace trigon::bpf {
namespace {

// Our programs are a dozen instructions; the verifier's account of one fits many times.
constexpr size_t kLogSize = 32 * 1024;

// The last line that says something: the verifier ends with a count of instructions processed.
std::string last_words(std::string_view log) {
  std::string_view found;
  while (!log.empty()) {
    const size_t end = std::min(log.find('\n'), log.size());
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(std::min(end + 1, log.size()));
    if (!line.empty() && !line.starts_with("processed ") && !line.starts_with("verification time") &&
        !line.starts_with("stack depth") && !line.starts_with("libbpf:")) {
      found = line;
    }
  }
  return std::string(found);
}

}  // namespace

Fd ProbeContext::cgroup_root() {
  if (const auto* mount = kernel_.mount_of("cgroup2")) {
    return Fd(::open(mount->point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  return sys::open_filesystem("cgroup2");
}

Loaded load(bpf_prog_type type, const Code& code, const bpf_prog_load_opts& options) {
  // Without a log first: it costs the kernel more than the check of so small a program.
  bpf_prog_load_opts asked = options;
  Loaded loaded;
  loaded.fd = Fd(bpf_prog_load(type, "trigon_probe", "GPL", code.data(), code.size(), &asked));
  if (loaded.fd) return loaded;
  loaded.failure = Outcome::no(errno, "loading the program");
  if (errno == EPERM || errno == ENOSYS) return loaded;
  auto log = std::make_unique<std::array<char, kLogSize>>();
  asked.log_buf = log->data();
  asked.log_size = log->size();
  asked.log_level = 1;
  const Fd again(bpf_prog_load(type, "trigon_probe", "GPL", code.data(), code.size(), &asked));
  log->back() = '\0';
  loaded.failure.detail = last_words(log->data());
  return loaded;
}

Canary::Canary()
    : map_(bpf_map_create(BPF_MAP_TYPE_ARRAY, "trigon_canary", sizeof(uint32_t), sizeof(uint64_t), 1, nullptr)) {
  if (!map_) error_ = errno;
}

Outcome Canary::failure() const { return Outcome::no(error_, "creating a map"); }

uint64_t Canary::value() const {
  const uint32_t key = 0;
  uint64_t value = 0;
  bpf_map_lookup_elem(map_.get(), &key, &value);
  return value;
}

bpf_prog_load_opts attach_options(bpf_attach_type type, uint32_t btf_id, uint32_t flags) {
  bpf_prog_load_opts options = {};
  options.sz = sizeof(options);
  options.expected_attach_type = type;
  options.attach_btf_id = btf_id;
  options.prog_flags = flags;
  return options;
}

void rename_self() {
  char name[16] = {};
  if (prctl(PR_GET_NAME, name) == 0) prctl(PR_SET_NAME, name);
}

Outcome run_on_rename(ProbeContext& context, const Code& code, const Canary& canary, const char* otherwise) {
  if (!canary.valid()) return canary.failure();
  const uint32_t id = context.btf_id("btf_trace_task_rename");
  if (id == 0) return context.no_type("btf_trace_task_rename");
  const Loaded program = load(BPF_PROG_TYPE_TRACING, code, attach_options(BPF_TRACE_RAW_TP, id));
  if (!program) return program.failure;
  const Fd link(bpf_raw_tracepoint_open(nullptr, program.fd.get()));
  if (!link) return Outcome::no(errno, "attaching to the tracepoint task_rename");
  return canary.ran_after(rename_self, otherwise);
}

Outcome run_as_filter(const Code& code, uint32_t* value, const bpf_prog_load_opts& load_options) {
  const Loaded program = load(BPF_PROG_TYPE_SOCKET_FILTER, code, load_options);
  if (!program) return program.failure;
  std::array<char, 64> packet = {};  // at least an Ethernet header
  bpf_test_run_opts options = {};
  options.sz = sizeof(options);
  options.data_in = packet.data();
  options.data_size_in = packet.size();
  options.repeat = 1;
  if (bpf_prog_test_run_opts(program.fd.get(), &options) != 0) return Outcome::no(errno, "running the program");
  if (value != nullptr) *value = options.retval;
  return Outcome::yes();
}

}  // namespace trigon::bpf
