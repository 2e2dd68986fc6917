// Pipeline: from the bytes of the ring to lines in sinks. Decodes, keeps the books of loss, keeps the process tree,
// names what matched and calls the writers. Single-threaded: the event loop calls everything.
//
//   Pipeline pipeline(options, policies, context_source);
//   pipeline.add_output(std::make_unique<JsonWriter>(...), sink, filter);
//   pipeline.feed_snapshot(...) for each process, then for each record feed(data, size), then end_batch();
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "event/decode.h"
#include "event/hook_data.h"
#include "output/sink.h"
#include "output/writer.h"
#include "policy/compiled.h"
#include "process/tree.h"

namespace trigon::output {

// Compiled sets by generation: null when it is not known any more (the event is then counted as stale).
using PolicyLookup = std::function<std::shared_ptr<const policy::CompiledSet>(uint32_t generation)>;

// A selector's GetUrl or DnsLookup, before the event is written. False: it will not be done (not allowed, no room), and
// the event does not claim it. Must not block.
using UserActionListener = std::function<bool(const HookEvent&, const policy::UserActionSpec&)>;

struct OutputFilter {
  // Bits 1 << EventKind. Loss passes always.
  uint32_t kinds = ~0u;
  // Asked for events that pass `kinds`; empty: all.
  std::function<bool(EventKind, const process::Process&)> accept;
};

constexpr uint32_t kind_bit(EventKind kind) { return 1u << static_cast<unsigned>(kind); }

struct PipelineOptions {
  process::TreeOptions tree;
  bool snapshot_events = false;  // an exec event (flags "procFS") for each process that runs already
};

struct PipelineCounters {
  std::array<uint64_t, TRIGON_REC_KINDS> consumed{};  // records by kind, snapshot included
  uint64_t consumed_total = 0;                        // of the ring: everything but the snapshot and what was malformed
  uint64_t malformed = 0;    // records that decode() refused; produced == consumed_total + malformed + lost
  uint64_t lost = 0;         // as reported in the stream
  uint64_t lost_events = 0;  // lines that reported it
  uint64_t stale = 0;        // hook records whose generation, hook or selector is not known
  uint64_t exec_events = 0;  // before filters
  uint64_t exit_events = 0;
  uint64_t hook_events = 0;  // after fan-out: one per matched selector that posts
  uint64_t loader_events = 0;
};

class Pipeline {
 public:
  explicit Pipeline(PipelineOptions options = {}, PolicyLookup policies = {}, process::ContextSource* source = nullptr);

  // The sink must outlive the pipeline.
  void add_output(std::unique_ptr<Writer> writer, Sink* sink, OutputFilter filter = {});
  // Called for TRIGON_REC_CGROUP records, before anything that could refer to them.
  void set_cgroup_listener(std::function<void(const event::Cgroup&)> listener) { cgroups_ = std::move(listener); }
  // Without one, no such action is taken.
  void set_user_action_listener(UserActionListener listener) { user_actions_ = std::move(listener); }
  // Called for records that decode() refused.
  void set_malformed_listener(std::function<void(event::DecodeError)> listener) { malformed_ = std::move(listener); }

  // A process that runs already: a record of kind TRIGON_REC_SNAPSHOT, and its arguments as in /proc/PID/cmdline.
  // approximate: the start time came from procfs (see ProcessTree::snapshot).
  void feed_snapshot(const void* record, size_t size, std::string_view args, bool approximate = false);
  // One record of the ring. The bytes are not needed after the call.
  void feed(const void* record, size_t size);
  // No record is at hand for now: flushes the sinks.
  void end_batch();
  // What a cpu's kernel counter of lost records says (trigon_counters.lost_total): reports what no record has reported
  // yet. To be called when the ring is drained, periodically and at the end; counts nothing twice.
  void note_lost(unsigned cpu, uint64_t total_lost, uint64_t now_ns);
  // Policies have been exchanged: what was remembered of the old ones is forgotten.
  void policies_changed();

  process::ProcessTree& tree() { return tree_; }
  const PipelineCounters& counters() const { return counters_; }
  const event::HookDataCounters& hook_data_counters() const { return hook_data_.counters(); }

 private:
  struct Output {
    std::unique_ptr<Writer> writer;
    Sink* sink;
    OutputFilter filter;
  };

  void check_loss(const trigon_record& rec);
  void report_loss(unsigned cpu, uint64_t count, uint64_t time_ns);
  void on_exec(const event::Exec& exec);
  void on_exit(const event::Exit& exit);
  void on_hook(event::Hook* hook);
  void on_loader(const event::Loader& loader);
  // False: no policies of that generation are known.
  bool use_generation(uint32_t generation);
  template <typename Write>
  void emit(EventKind kind, const process::Process& process, Write write);

  PipelineOptions options_;
  PolicyLookup policies_;
  process::ProcessTree tree_;
  std::vector<Output> outputs_;
  std::function<void(const event::Cgroup&)> cgroups_;
  std::function<void(event::DecodeError)> malformed_;
  std::vector<uint64_t> reported_lost_;  // by cpu
  UserActionListener user_actions_;
  std::shared_ptr<const policy::CompiledSet> set_;  // of the last hook record
  // Its selectors by slot; null: nobody uses the slot.
  std::array<const std::vector<policy::SelectorRef>*, TRIGON_MAX_HOOKS> selectors_{};
  event::HookDataStore hook_data_;
  event::Event event_;
  uint64_t last_time_ns_ = 0;
  PipelineCounters counters_;
};

}  // namespace trigon::output
