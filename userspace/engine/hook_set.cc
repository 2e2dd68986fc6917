#include "engine/hook_set.h"

#include <fmt/format.h>

#include <cstdlib>

#include "engine/user_places.h"

namespace trigon::engine {

using Kind = policy::HookPoint::Kind;

// Parameters that a kprobe has at hand (bpf/programs/hooks/function.bpf.c).
constexpr uint8_t kRegisters = 6;

Result<std::vector<bpf::HookProgramSpec>> HookSet::specs_of(const policy::PlannedHook& plan,
                                                            bpf::Mechanism mechanism) const {
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
  if (point.kind == Kind::kUprobe || point.kind == Kind::kUsdt) return user_specs(point, spec);
  if (mechanism == bpf::Mechanism::kKprobe || mechanism == bpf::Mechanism::kKprobeMulti) {
    for (const trigon_field_conf& field : plan.fields) {
      const bool reads = (field.source == TRIGON_FROM_ARG && field.arg >= kRegisters) || field.size_arg > kRegisters;
      if (reads) {
        return Error(ErrorCode::kUnsupported,
                     fmt::format("{}: parameters behind the sixth are not in registers", mechanism_name(mechanism)));
      }
    }
  }
  if (mechanism == bpf::Mechanism::kLsm && point.kind == Kind::kFunction) {
    spec.symbol = lsm_hook_of(point.symbol);
    spec.return_symbol = point.symbol;
  }
  if (point.kind == Kind::kTracepoint) {
    if (tracefs_ == nullptr) return Error(ErrorCode::kUnsupported, "tracefs cannot be read, which numbers tracepoints");
    spec.subsystem = point.subsystem;
    TRIGON_TRY(const std::string text, tracefs_->read(fmt::format("events/{}/{}/id", point.subsystem, point.symbol)));
    spec.tracepoint_id = std::strtoull(text.c_str(), nullptr, 10);
  }
  return std::vector<bpf::HookProgramSpec>{std::move(spec)};
}

Result<HookSet::Programs> HookSet::attach(const std::vector<bpf::HookProgramSpec>& specs,
                                          const bpf::KernelTypes& kernel) {
  Programs programs;
  for (const bpf::HookProgramSpec& spec : specs) {
    TRIGON_TRY(std::unique_ptr<bpf::HookProgram> program, bpf::HookProgram::load(sensor_, kernel, spec));
    TRIGON_CHECK(program->attach());
    programs.push_back(std::move(program));
  }
  return programs;
}

// The best mechanism that works; when none does, what was tried and why it did not.
Result<HookSet::Programs> HookSet::make(const policy::PlannedHook& plan, const bpf::KernelTypes& kernel) {
  MechanismChoice choice = choose_mechanism(plan.point, plan.actions, *features_);
  ErrorCode code = ErrorCode::kUnsupported;
  for (const bpf::Mechanism mechanism : choice.usable) {
    const auto specs = specs_of(plan, mechanism);
    auto programs = specs.ok() ? attach(*specs, kernel) : Result<Programs>(Error(specs.error()));
    if (programs.ok()) return programs;
    choice.reasons.push_back(programs.error().message());
    code = programs.error().code();
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
    if (const auto known = current_.find(plan.slot);
        known != current_.end() && known->second.plan.point == plan.point) {
      staged_[plan.slot] = {plan, known->second.programs};
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
    auto programs = make(plan, *kernel);
    if (programs.ok())
      staged_[plan.slot] = {plan, std::move(*programs)};
    else
      failures.push_back({plan.point, plan.policies, std::move(programs).error()});
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
    HookStatus& status = out.emplace_back();
    status.point = entry.plan.point;
    status.policies = entry.plan.policies;
    for (const auto& program : entry.programs) {
      status.mechanism = bpf::mechanism_name(program->mechanism());
      status.kernel_bytes += program->kernel_bytes();
      status.verified_instructions += program->verified_instructions();
    }
  }
  return out;
}

uint64_t HookSet::recursion_misses() const {
  uint64_t sum = 0;
  for (const auto& [slot, entry] : current_)
    for (const auto& program : entry.programs) sum += program->recursion_misses();
  return sum;
}

}  // namespace trigon::engine
