#include "daemon/runtime.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstring>

#include "daemon/privileges.h"
#include "output/compact_writer.h"
#include "sys/procfs.h"

namespace trigon::daemon {

namespace {

std::string default_node_name() {
  for (const char* variable : {"NODE_NAME", "HUBBLE_NODE_NAME"})
    if (const char* value = std::getenv(variable); value != nullptr && *value != 0) return value;
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "localhost";
}

}  // namespace

// Some have numbers of their own (include/linux/proc_ns.h, PROC_*_INIT_INO), which hold
// also when the agent itself runs in a container. Of the others /proc/1 tells, and the task iterator better.
trigon_namespaces first_namespaces() {
  trigon_namespaces ns = sys::ProcFs().namespaces(1);
  ns.ipc = 0xefffffff;
  ns.uts = 0xeffffffe;
  ns.user = 0xeffffffd;
  ns.pid = ns.pid_for_children = 0xeffffffc;
  ns.cgroup = 0xeffffffb;
  ns.time = ns.time_for_children = 0xeffffffa;
  return ns;
}

Runtime::Runtime(RuntimeOptions options, EventLoop loop, const trigon_namespaces& host_ns)
    : options_(std::move(options)),
      loop_(std::move(loop)),
      cgroups_(&cgroup_fs_),
      enricher_(&cgroups_),
      kernel_(host_ns) {
  options_.json.host_ns = host_ns;
}

Runtime::~Runtime() = default;

Result<std::unique_ptr<Runtime>> Runtime::create(RuntimeOptions options) {
  TRIGON_TRY(EventLoop loop, EventLoop::create());
  std::unique_ptr<Runtime> self(new Runtime(std::move(options), std::move(loop), first_namespaces()));
  RuntimeOptions& o = self->options_;
  if (o.json.node_name.empty()) o.json.node_name = default_node_name();
  o.tree.host_pid_ns = o.json.host_ns.pid;
  TRIGON_CHECK(self->watch_signals());
  TRIGON_TRY(self->sensor_, bpf::Sensor::load(o.sensor, bpf::Features::of_this_kernel()));
  self->store_ = std::make_unique<engine::PolicyStore>(self->sensor_.get(), &bpf::Features::of_this_kernel());
  self->kernel_.open_tracefs();
  // Without it only classic tracepoints do not work, and say so.
  if (auto tracefs = sys::Tracefs::open(); tracefs.ok()) {
    self->tracefs_.emplace(std::move(*tracefs));
    self->store_->hooks().use_tracefs(&*self->tracefs_);
  }
  TRIGON_TRY(self->actions_, actions::DeferredActions::create(o.actions));
  output::PipelineOptions pipeline;
  pipeline.tree = o.tree;
  self->pipeline_ = std::make_unique<output::Pipeline>(
      pipeline, [store = self->store_.get()](uint32_t generation) { return store->find(generation); },
      &self->enricher_);
  self->pipeline_->set_user_action_listener(
      [runtime = self.get()](const output::HookEvent& event, const policy::UserActionSpec& action) {
        return runtime->on_user_action(event, action);
      });
  self->pipeline_->set_cgroup_listener([cgroups = &self->cgroups_](const event::Cgroup& cgroup) {
    cgroups->created(cgroup.record->id, cgroup.record->hierarchy, cgroup.path);
  });
  self->cgroups_.use_v1(o.cgroup_v1_hierarchy, static_cast<uint32_t>(o.sensor.cgroup_v1_subsystem + 1));
  return self;
}

policy::Options Runtime::policy_options() const {
  policy::Options options;
  options.kernel = &kernel_;
  return options;
}

bool Runtime::on_user_action(const output::HookEvent&, const policy::UserActionSpec& action) {
  const auto kind = action.dns ? actions::Kind::kDnsLookup : actions::Kind::kGetUrl;
  // Both count what is refused.
  const bool allowed = actions_->check(kind, action.target).ok();
  actions_->submit(kind, action.target);
  return allowed;
}

Result<void> Runtime::open_outputs() {
  for (const OutputOptions& one : options_.outputs) {
    TRIGON_TRY(std::unique_ptr<output::FileSink> sink, output::FileSink::open(one.file));
    std::unique_ptr<output::Writer> writer;
    if (one.format == Format::kJson) {
      output::JsonOptions json = options_.json;
      json.stacks = {&stacks_, options_.expose_stack_addresses};
      writer = std::make_unique<output::JsonWriter>(std::move(json), &clock_);
    } else {
      output::CompactOptions compact;
      compact.node_name = options_.json.node_name;
      compact.color = one.color;
      compact.timestamps = one.timestamps;
      compact.parents = true;
      compact.stacks = {&stacks_, options_.expose_stack_addresses};
      writer = std::make_unique<output::CompactWriter>(compact, &clock_);
    }
    output::OutputFilter filter;
    filter.kinds = one.kinds;
    filter.accept = [this](output::EventKind, const process::Process& process) {
      return !only_command_ || descends_from_command(process);
    };
    pipeline_->add_output(std::move(writer), sink.get(), std::move(filter));
    sinks_.push_back(std::move(sink));
  }
  return {};
}

bool Runtime::descends_from_command(const process::Process& process) const {
  const auto is_command = [this](const process::Process& p) { return static_cast<int>(p.pid) == command_pid_; };
  if (is_command(process)) return true;
  for (const process::Process* ancestor : process::ProcessTree::ancestors(process))
    if (is_command(*ancestor)) return true;
  return false;
}

Result<void> Runtime::watch_signals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return Error::from_errno("sigprocmask");
  signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return Error::from_errno("signalfd");
  return loop_.watch(signals_.get(), [this] { on_signal(); });
}

void Runtime::on_signal() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    if (info.ssi_signo == SIGHUP) {
      for (auto& sink : sinks_)
        if (auto reopened = sink->reopen(); !reopened.ok())
          fmt::print(stderr, "trigon: {}\n", reopened.error().message());
      if (hangup_) hangup_();
    } else {
      loop_.stop();
    }
  }
}

Result<void> Runtime::start() {
  TRIGON_CHECK(sensor_->attach());
  TRIGON_CHECK(snapshot());
  // After the snapshot, which tells what the host's namespaces are.
  return open_outputs();
}

// The kernel's own threads live in the namespaces that were there first; pid 1 may have been put elsewhere.
void Runtime::learn_host_namespaces(const trigon_exec& process) {
  constexpr uint32_t kKernelThread = 0x00200000;  // PF_KTHREAD, include/linux/sched.h
  if ((process.task.kernel_flags & kKernelThread) == 0 || process.task.ns.mnt == 0) return;
  options_.json.host_ns.mnt = process.task.ns.mnt;
  options_.json.host_ns.net = process.task.ns.net;
}

Result<void> Runtime::snapshot() {
  sys::ProcFs procfs;
  auto from_iterator = sensor_->snapshot([&](const void* data, size_t size) {
    trigon_record header;
    std::memcpy(&header, data, sizeof(header));
    if (size >= sizeof(trigon_exec)) learn_host_namespaces(*static_cast<const trigon_exec*>(data));
    pipeline_->feed_snapshot(data, size, procfs.cmdline(header.pid).value_or(""));
  });
  if (from_iterator.ok()) return {};
  TRIGON_TRY(size_t count, procfs.snapshot_all([&](const sys::ProcSnapshot& one) {
    pipeline_->feed_snapshot(one.storage.data(), one.size, one.args, true);
  }));
  (void)count;
  return {};
}

Result<void> Runtime::follow(Launcher* command, bool only) {
  command_ = command;
  command_pid_ = command->pid();
  only_command_ = only;
  if (only) TRIGON_CHECK(store_->writer().trace_only(static_cast<uint32_t>(command->pid())));
  return loop_.watch(command->pidfd(), [this] { loop_.stop(); });
}

void Runtime::note_lost() {
  const bpf::SensorCounters counters = sensor_->counters();
  const uint64_t now = sys::boot_now_ns();
  for (size_t cpu = 0; cpu < counters.lost_by_cpu.size(); ++cpu)
    pipeline_->note_lost(static_cast<unsigned>(cpu), counters.lost_by_cpu[cpu], now);
}

void Runtime::feed(const void* data, size_t size) {
  bytes_since_note_ += size;
  pipeline_->feed(data, size);
}

void Runtime::end_batch() {
  // A ring that may have been full: what the last records before the quiet lost is told now, in its place.
  if (bytes_since_note_ > sensor_->ring_bytes() / 2) {
    bytes_since_note_ = 0;
    note_lost();
  }
  pipeline_->end_batch();
  for (auto& sink : sinks_)
    if (sink->broken()) loop_.stop();  // the reader of our pipe has gone
}

void Runtime::tick() {
  clock_.update();
  pipeline_->tree().expire(sys::boot_now_ns());
  note_lost();
  stacks_.tidy();
  // A return that does not come within a minute, of a thread that is gone, never will.
  if (++ticks_ % 30 == 0) sensor_->sweep_pending(60'000'000'000);
  if (const std::string problem = actions_->take_problem(); !problem.empty())
    fmt::print(stderr, "trigon: {}\n", problem);
  pipeline_->end_batch();
}

Result<void> Runtime::run() {
  if (options_.drop_capabilities) TRIGON_CHECK(drop_privileges());
  loop_.every_second([this] { tick(); });
  const bpf::Sensor::Handler handler = [this](const void* data, size_t size) { feed(data, size); };
  if (command_ != nullptr) TRIGON_CHECK(command_->release());
  TRIGON_CHECK(loop_.run(sensor_.get(), handler, [this] { end_batch(); }));
  // Detached first, so that the drain comes to an end on a busy machine.
  sensor_->detach();
  store_->detach();
  while (sensor_->consume(handler, SIZE_MAX) > 0) {
  }
  note_lost();
  pipeline_->end_batch();
  return {};
}

RuntimeCounters Runtime::counters() const {
  RuntimeCounters out;
  out.sensor = sensor_->counters();
  out.pipeline = pipeline_->counters();
  out.tree = pipeline_->tree().counters();
  for (size_t i = 0; i < sinks_.size(); ++i)
    out.sinks.emplace_back(options_.outputs[i].file.path, sinks_[i]->counters());
  out.map_bytes = sensor_->map_bytes();
  out.sensor.recursion_misses += store_->hooks().recursion_misses();
  out.policies = store_->size();
  out.policy_status = store_->status();
  return out;
}

std::string Runtime::summary() const {
  const RuntimeCounters c = counters();
  uint64_t produced = 0, dropped = 0, written = 0;
  for (uint64_t n : c.sensor.total.produced) produced += n;
  for (const auto& [path, sink] : c.sinks) {
    dropped += sink.dropped;
    written += sink.events;
  }
  return fmt::format(
      "produced={} consumed={} lost={} malformed={} skipped={} written={} dropped={} exec={} exit={} hook={}", produced,
      c.pipeline.consumed_total, c.sensor.total.lost_total, c.pipeline.malformed, c.sensor.recursion_misses, written,
      dropped, c.pipeline.exec_events, c.pipeline.exit_events, c.pipeline.hook_events);
}

}  // namespace trigon::daemon
