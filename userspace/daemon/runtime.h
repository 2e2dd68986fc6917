// Runtime: sensor, process tree, policies, outputs and the loop, wired. What `trigon agent` and `trigon trace` share.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actions/deferred_actions.h"
#include "base/result.h"
#include "bpf/features.h"
#include "bpf/sensor.h"
#include "daemon/event_loop.h"
#include "daemon/launcher.h"
#include "daemon/stack_resolver.h"
#include "engine/kernel_info.h"
#include "engine/store.h"
#include "enrich/context.h"
#include "output/file_sink.h"
#include "output/json_writer.h"
#include "output/pipeline.h"
#include "sys/cgroupfs.h"
#include "sys/clock.h"
#include "sys/tracefs.h"

namespace trigon::daemon {

enum class Format { kJson, kCompact };

struct OutputOptions {
  output::FileSinkOptions file;
  Format format = Format::kJson;
  bool color = false;
  bool timestamps = false;
  uint32_t kinds = ~0u;  // bits 1 << output::EventKind
};

struct RuntimeOptions {
  bpf::SensorOptions sensor;
  output::JsonOptions json;  // node_name and host_ns are filled in when empty
  process::TreeOptions tree;
  std::vector<OutputOptions> outputs;
  uint32_t cgroup_v1_hierarchy = 0;  // id of the hierarchy that sensor.cgroup_v1_subsystem is in
  bool drop_capabilities = true;
  actions::Options actions;             // what GetUrl and DnsLookup may reach
  bool expose_stack_addresses = false;  // they tell where the kernel was loaded
};

// Numbers for people and metrics, of one moment.
struct RuntimeCounters {
  bpf::SensorCounters sensor;
  output::PipelineCounters pipeline;
  process::TreeCounters tree;
  std::vector<std::pair<std::string, output::SinkCounters>> sinks;
  uint64_t map_bytes = 0;
  size_t policies = 0;
  std::vector<engine::PolicyStatus> policy_status;
};

// Inode numbers of the host's namespaces, as far as /proc tells.
trigon_namespaces first_namespaces();

class Runtime {
 public:
  // Loads the programs and opens the outputs; nothing is observed yet.
  static Result<std::unique_ptr<Runtime>> create(RuntimeOptions options);
  ~Runtime();

  // Attaches, then learns who is running. From here on nothing is missed.
  Result<void> start();
  // Runs until stop() or SIGTERM/SIGINT, then drains what is in the ring, flushes and detaches.
  Result<void> run();
  void stop() { loop_.stop(); }
  // Starts the command under observation when run() begins and ends run() with it. With `only`, policies look at no
  // other process than it and its descendants, and other processes' events are not printed.
  Result<void> follow(Launcher* command, bool only);

  engine::PolicyStore& policies() { return *store_; }
  // Of the running kernel, for policy::load_paths(). What it has read is forgotten by forget_kernel().
  policy::Options policy_options() const;
  void forget_kernel() { kernel_.forget(); }
  EventLoop& loop() { return loop_; }
  bpf::Sensor& sensor() { return *sensor_; }
  // "produced=… consumed=… lost=…": the books, for the last line of a run.
  std::string summary() const;
  RuntimeCounters counters() const;  // asks the kernel for each
  // SIGHUP, beside reopening the sinks.
  void on_hangup(std::function<void()> callback) { hangup_ = std::move(callback); }

 private:
  Runtime(RuntimeOptions options, EventLoop loop, const trigon_namespaces& host_ns);
  bool on_user_action(const output::HookEvent& event, const policy::UserActionSpec& action);
  Result<void> open_outputs();
  Result<void> watch_signals();
  Result<void> snapshot();
  void learn_host_namespaces(const trigon_exec& process);
  void feed(const void* data, size_t size);
  void end_batch();
  void on_signal();
  void tick();
  void note_lost();
  bool descends_from_command(const process::Process& process) const;

  RuntimeOptions options_;
  EventLoop loop_;
  sys::BootClock clock_;
  sys::CgroupFs cgroup_fs_;
  sys::CgroupTable cgroups_;
  enrich::ContextEnricher enricher_;
  engine::RunningKernel kernel_;
  std::optional<sys::Tracefs> tracefs_;  // opened before the privilege goes
  SymbolResolver stacks_;
  std::unique_ptr<actions::DeferredActions> actions_;
  std::unique_ptr<bpf::Sensor> sensor_;
  std::unique_ptr<engine::PolicyStore> store_;
  std::vector<std::unique_ptr<output::FileSink>> sinks_;
  std::unique_ptr<output::Pipeline> pipeline_;
  Fd signals_;
  Launcher* command_ = nullptr;
  bool only_command_ = false;
  int command_pid_ = 0;
  uint64_t bytes_since_note_ = 0;  // read from the ring since its losses were last asked for
  uint64_t ticks_ = 0;             // seconds of run()
  std::function<void()> hangup_;
};

}  // namespace trigon::daemon
