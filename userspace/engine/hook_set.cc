#include "engine/hook_set.h"

#include <fmt/format.h>

#include <cstdlib>

namespace trigon::engine {

using Kind = policy::HookPoint::Kind;

Result<bpf::HookProgramSpec> HookSet::spec_of(const policy::PlannedHook& plan, bpf::Mechanism mechanism) const {
  const policy::HookPoint& point = plan.point;
  bpf::HookProgramSpec spec;
  spec.mechanism = mechanism;
  spec.symbol = point.symbol;
  spec.returns = point.returns;
  spec.slot = plan.slot;
  spec.return_slot = plan.return_slot;
  spec.fields = plan.fields;
  spec.entry_fields = plan.entry_fields;
  spec.actions = plan.actions;
  if (mechanism == bpf::Mechanism::kLsm && point.kind == Kind::kFunction) spec.symbol = lsm_hook_of(point.symbol);
  if (point.kind == Kind::kTracepoint) {
    if (tracefs_ == nullptr) return Error(ErrorCode::kUnsupported, "tracefs cannot be read, which numbers tracepoints");
    spec.subsystem = point.subsystem;
    TRIGON_TRY(const std::string text,
               tracefs_->read(fmt::format("events/{}/{}/id", point.subsystem, point.symbol)));
    spec.tracepoint_id = std::strtoull(text.c_str(), nullptr, 10);
  }
  if (point.kind == Kind::kUprobe) {
    spec.path = point.path;
    spec.offset = point.offset;
    spec.ref_ctr_offset = point.ref_ctr_offset;
    if (!point.symbol.empty() || point.address != 0) {
      if (!offsets_) return Error(ErrorCode::kUnsupported, "symbols of user programs cannot be looked up");
      TRIGON_TRY(spec.offset, offsets_(point));
    }
  }
  return spec;
}

// The best mechanism that works; when none does, what was tried and why it did not.
Result<std::shared_ptr<bpf::HookProgram>> HookSet::make(const policy::PlannedHook& plan,
                                                        const bpf::KernelTypes& kernel) {
  MechanismChoice choice = choose_mechanism(plan.point, plan.actions, *features_);
  ErrorCode code = ErrorCode::kUnsupported;
  for (const bpf::Mechanism mechanism : choice.usable) {
    auto spec = spec_of(plan, mechanism);
    if (!spec.ok()) return std::move(spec).error();
    auto program = bpf::HookProgram::load(sensor_, kernel, *spec);
    if (program.ok()) {
      auto attached = (*program)->attach();
      if (attached.ok()) return std::shared_ptr<bpf::HookProgram>(std::move(*program));
      choice.reasons.push_back(attached.error().message());
      code = attached.error().code();
    } else {
      choice.reasons.push_back(program.error().message());
      code = program.error().code();
    }
  }
  std::string why;
  for (const std::string& reason : choice.reasons) why += (why.empty() ? "" : "; ") + reason;
  return Error(code, why.empty() ? "no mechanism of this kernel can serve it" : why);
}

std::vector<HookFailure> HookSet::prepare(const std::vector<policy::PlannedHook>& planned) {
  std::vector<HookFailure> failures;
  staged_.clear();
  std::optional<bpf::KernelTypes> kernel;
  for (const policy::PlannedHook& plan : planned) {
    if (const auto known = current_.find(plan.slot); known != current_.end() && known->second.plan.point == plan.point) {
      staged_[plan.slot] = {plan, known->second.program};
      continue;
    }
    if (!kernel) {
      auto read = bpf::KernelTypes::read();
      if (!read.ok()) {
        failures.push_back({plan.point, plan.policies, std::move(read).error()});
        break;
      }
      kernel.emplace(std::move(*read));
    }
    auto program = make(plan, *kernel);
    if (program.ok())
      staged_[plan.slot] = {plan, std::move(*program)};
    else
      failures.push_back({plan.point, plan.policies, std::move(program).error()});
  }
  return failures;
}

void HookSet::commit() {
  current_ = std::move(staged_);
  staged_.clear();
}

std::vector<HookStatus> HookSet::status() const {
  std::vector<HookStatus> out;
  for (const auto& [slot, entry] : current_) {
    out.push_back({entry.plan.point, bpf::mechanism_name(entry.program->mechanism()), entry.program->kernel_bytes(),
                   entry.program->verified_instructions(), entry.plan.policies});
  }
  return out;
}

uint64_t HookSet::recursion_misses() const {
  uint64_t sum = 0;
  for (const auto& [slot, entry] : current_) sum += entry.program->recursion_misses();
  return sum;
}

}  // namespace trigon::engine
