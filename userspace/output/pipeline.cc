#include "output/pipeline.h"

#include <utility>

#include "sys/clock.h"

namespace trigon::output {
namespace {

// Cpu numbers come from records; more than this is nonsense, and memory is kept per cpu.
constexpr unsigned kMaxCpus = 8192;  // CONFIG_NR_CPUS at its largest

}  // namespace

Pipeline::Pipeline(PipelineOptions options, PolicyLookup policies, process::ContextSource* source)
    : options_(options), policies_(std::move(policies)), tree_(options.tree, source) {}

void Pipeline::add_output(std::unique_ptr<Writer> writer, Sink* sink, OutputFilter filter) {
  // The note that a sink puts where events are missing is written by whoever wrote the events.
  sink->set_recovery_note([writer = writer.get()](uint64_t dropped, Buffer* out) {
    writer->loss({sys::boot_now_ns(), dropped, -1, "sink_error"}, out);
  });
  outputs_.push_back({std::move(writer), sink, std::move(filter)});
}

template <typename Write>
void Pipeline::emit(EventKind kind, const process::Process& process, Write write) {
  for (Output& output : outputs_) {
    if ((output.filter.kinds & kind_bit(kind)) == 0) continue;
    if (output.filter.accept && !output.filter.accept(kind, process)) continue;
    write(*output.writer, &output.sink->buffer());
    output.sink->commit();
  }
}

void Pipeline::feed_snapshot(const void* record, size_t size, std::string_view args, bool approximate) {
  const event::DecodeError error = event::decode(record, size, &event_);
  const auto* exec = std::get_if<event::Exec>(&event_);
  if (error != event::DecodeError::kNone || exec == nullptr) {
    ++counters_.malformed;
    if (malformed_) malformed_(error != event::DecodeError::kNone ? error : event::DecodeError::kKind);
    return;
  }
  ++counters_.consumed[TRIGON_REC_SNAPSHOT];
  const process::Ref<process::Process> process = tree_.snapshot(*exec, args, approximate);
  if (!options_.snapshot_events) return;
  const process::ExecData data{args, {}, false, false};
  emit(EventKind::kExec, *process, [&](Writer& writer, Buffer* out) { writer.exec({*process, *exec, data}, out); });
}

void Pipeline::feed(const void* record, size_t size) {
  const event::DecodeError error = event::decode(record, size, &event_);
  if (error != event::DecodeError::kNone) [[unlikely]] {
    ++counters_.malformed;
    if (malformed_) malformed_(error);
    return;
  }
  const auto& rec = *static_cast<const trigon_record*>(record);
  check_loss(rec);
  last_time_ns_ = rec.time_ns;
  ++counters_.consumed[rec.kind];
  ++counters_.consumed_total;
  if (auto* hook = std::get_if<event::Hook>(&event_)) {
    on_hook(hook);
  } else if (const auto* exec = std::get_if<event::Exec>(&event_)) {
    on_exec(*exec);
  } else if (const auto* fork = std::get_if<event::Fork>(&event_)) {
    tree_.fork(*fork);
  } else if (const auto* exit = std::get_if<event::Exit>(&event_)) {
    on_exit(*exit);
  } else if (const auto* data = std::get_if<event::ExecData>(&event_)) {
    tree_.exec_data(*data);
  } else if (const auto* cgroup = std::get_if<event::Cgroup>(&event_)) {
    if (cgroups_) cgroups_(*cgroup);
  } else if (const auto* hook_data = std::get_if<event::HookData>(&event_)) {
    hook_data_.put(*hook_data);
  } else if (const auto* loader = std::get_if<event::Loader>(&event_)) {
    on_loader(*loader);
  }
}

void Pipeline::on_exec(const event::Exec& exec) {
  process::ExecData data;
  const process::Ref<process::Process> process = tree_.exec(exec, &data);
  ++counters_.exec_events;
  emit(EventKind::kExec, *process, [&](Writer& writer, Buffer* out) { writer.exec({*process, exec, data}, out); });
}

void Pipeline::on_exit(const event::Exit& exit) {
  const process::Ref<process::Process> process = tree_.exit(exit);
  if (!process) return;
  ++counters_.exit_events;
  emit(EventKind::kExit, *process, [&](Writer& writer, Buffer* out) { writer.exit({*process, *exit.record}, out); });
  // Nothing will be written of it any more, but as somebody's parent.
  if (process->refs <= 2) process->render.drop();
}

void Pipeline::on_loader(const event::Loader& loader) {
  const process::Process& process = tree_.find_or_create(loader.record->rec);
  ++counters_.loader_events;
  emit(EventKind::kLoader, process, [&](Writer& writer, Buffer* out) { writer.loader({process, loader}, out); });
}

bool Pipeline::use_generation(uint32_t generation) {
  auto set = policies_ ? policies_(generation) : nullptr;
  if (set == nullptr) return false;
  policies_changed();
  set_ = std::move(set);
  for (const auto& [slot, selectors] : set_->hooks) {
    if (slot < selectors_.size()) selectors_[slot] = &selectors;
  }
  return true;
}

void Pipeline::on_hook(event::Hook* hook) {
  const trigon_hook_event& record = *hook->record;
  hook_data_.attach(hook);
  if (set_ == nullptr || set_->generation != record.generation) [[unlikely]] {
    if (!use_generation(record.generation)) {
      ++counters_.stale;
      return;
    }
  }
  if (record.hook >= selectors_.size() || selectors_[record.hook] == nullptr) {
    ++counters_.stale;
    return;
  }
  const std::vector<policy::SelectorRef>& selectors = *selectors_[record.hook];
  const process::Process& process = tree_.find_or_create(record.rec);
  const bool joined = (record.flags & TRIGON_HOOK_RETURN) != 0;
  for (uint16_t i = 0; i < record.matches; ++i) {
    if (record.match[i] >= selectors.size()) {
      ++counters_.stale;
      continue;
    }
    const policy::SelectorRef& selector = selectors[record.match[i]];
    const uint32_t actions = joined ? selector.info.return_actions : selector.info.actions;
    HookEvent event{process, *hook, selector};
    if ((actions & TRIGON_ACT_USER) != 0 && user_actions_) [[unlikely]] {
      for (const policy::UserActionSpec& spec : selector.info.user) {
        if (user_actions_(event, spec)) event.user_action = &spec;
      }
    }
    if ((actions & TRIGON_ACT_POST) == 0) continue;
    ++counters_.hook_events;
    emit(EventKind::kHook, process, [&](Writer& writer, Buffer* out) { writer.hook(event, out); });
  }
}

void Pipeline::policies_changed() {
  for (Output& output : outputs_) output.writer->forget_policies();
  set_.reset();
  selectors_.fill(nullptr);
}

void Pipeline::end_batch() {
  for (Output& output : outputs_) output.sink->flush();
}

void Pipeline::check_loss(const trigon_record& rec) {
  if (rec.cpu >= reported_lost_.size()) [[unlikely]] {
    if (rec.cpu >= kMaxCpus) return;
    reported_lost_.resize(rec.cpu + 1u);
  }
  // Modulo 2^32, and signed: a program that was interrupted by another on its cpu may carry an older count than the
  // record before it.
  const auto step = static_cast<int32_t>(rec.lost - static_cast<uint32_t>(reported_lost_[rec.cpu]));
  if (step > 0) [[unlikely]] {
    report_loss(rec.cpu, static_cast<uint32_t>(step), rec.time_ns);
  }
}

void Pipeline::note_lost(unsigned cpu, uint64_t total_lost, uint64_t now_ns) {
  if (cpu >= kMaxCpus) return;
  if (cpu >= reported_lost_.size()) reported_lost_.resize(cpu + 1u);
  if (total_lost > reported_lost_[cpu]) report_loss(cpu, total_lost - reported_lost_[cpu], now_ns);
}

void Pipeline::report_loss(unsigned cpu, uint64_t count, uint64_t time_ns) {
  reported_lost_[cpu] += count;
  counters_.lost += count;
  ++counters_.lost_events;
  for (Output& output : outputs_) {
    output.writer->loss({time_ns, count, static_cast<int>(cpu), "ring_full"}, &output.sink->buffer());
    output.sink->commit();
  }
}

}  // namespace trigon::output
