#include "engine/user_places.h"

#include <fmt/format.h>

#include "symbols/digest.h"
#include "symbols/elf_targets.h"
#include "symbols/usdt.h"

namespace trigon::engine {

namespace {

using Kind = policy::HookPoint::Kind;
using symbols::UsdtArg;

// The field that argument `arg` of the probe is at this place; the type that the policy wants stays.
Result<trigon_field_conf> operand_of(trigon_field_conf conf, const UsdtArg& arg) {
  if (arg.kind == UsdtArg::Kind::kUnsupported)
    return Error(ErrorCode::kUnsupported, fmt::format("its operand `{}` cannot be read", arg.text));
  const auto value = static_cast<uint64_t>(arg.value);
  conf.steps = 0;
  conf.size = arg.size;
  if (arg.is_signed) conf.flags |= TRIGON_CONF_SIGNED;
  for (uint32_t& off : conf.off) off = 0;
  if (arg.kind == UsdtArg::Kind::kConstant) {
    conf.source = TRIGON_FROM_CONST;
    conf.off[0] = static_cast<uint32_t>(value);
    conf.off[1] = static_cast<uint32_t>(value >> 32);
    return conf;
  }
  conf.source = TRIGON_FROM_OPERAND;
  if (arg.kind == UsdtArg::Kind::kMemory) conf.flags |= TRIGON_CONF_LOAD;
  if (arg.base) {
    conf.off[TRIGON_OPERAND_BASE] = arg.base->offset + 1U;
    conf.off[TRIGON_OPERAND_SHIFT] = arg.base->shift;
  }
  if (arg.index) {
    conf.off[TRIGON_OPERAND_INDEX] = arg.index->offset + 1U;
    conf.off[TRIGON_OPERAND_SCALE] = arg.scale;
  }
  if (arg.kind == UsdtArg::Kind::kMemory) {
    conf.off[TRIGON_OPERAND_LOW] = static_cast<uint32_t>(value);
    conf.off[TRIGON_OPERAND_HIGH] = static_cast<uint32_t>(value >> 32);
  }
  return conf;
}

Result<std::vector<bpf::HookProgramSpec>> usdt_specs(const policy::HookPoint& point,
                                                     const bpf::HookProgramSpec& common) {
  TRIGON_TRY(const symbols::ElfTargets file, symbols::ElfTargets::open(point.path));
  TRIGON_TRY(const std::vector<symbols::UsdtProbe> probes,
             symbols::find_usdt(file.file(), point.subsystem, point.symbol));
  std::vector<bpf::HookProgramSpec> specs;
  for (const symbols::UsdtProbe& probe : probes) {
    bpf::HookProgramSpec& spec = specs.emplace_back(common);
    spec.path = point.path;
    spec.offset = probe.offset;
    spec.ref_ctr_offset = probe.semaphore_offset;
    for (trigon_field_conf& conf : spec.fields) {
      if (conf.source != TRIGON_FROM_ARG) continue;
      if (conf.arg >= probe.args.size()) {
        return Error(ErrorCode::kInvalidPolicy,
                     fmt::format("{}:{} has {} arguments, there is no argument {}", point.subsystem, point.symbol,
                                 probe.args.size(), conf.arg));
      }
      auto read = operand_of(conf, probe.args[conf.arg]);
      if (!read.ok())
        return std::move(read).error().context(
            fmt::format("{}:{}: argument {}", point.subsystem, point.symbol, conf.arg));
      conf = *read;
    }
  }
  return specs;
}

}  // namespace

Result<std::vector<bpf::HookProgramSpec>> user_specs(const policy::HookPoint& point,
                                                     const bpf::HookProgramSpec& common) {
  if (point.kind == Kind::kUsdt) return usdt_specs(point, common);
  TRIGON_TRY(const symbols::ElfTargets file, symbols::ElfTargets::open(point.path));
  auto target = !point.symbol.empty() ? file.symbol(point.symbol, point.offset)
                : point.address != 0  ? file.address(point.address)
                                      : file.offset(point.offset);
  if (!target.ok()) return std::move(target).error();
  std::vector<uint64_t> offsets{target->offset};
  offsets.insert(offsets.end(), target->others.begin(), target->others.end());
  std::vector<bpf::HookProgramSpec> specs;
  for (const uint64_t offset : offsets) {
    bpf::HookProgramSpec& spec = specs.emplace_back(common);
    spec.path = point.path;
    spec.offset = offset;
    spec.ref_ctr_offset = point.ref_ctr_offset;
  }
  return specs;
}

Result<void> check_digests(const std::string& path, const std::vector<std::string>& digests) {
  std::vector<symbols::Digest> allowed;
  for (const std::string& text : digests) {
    TRIGON_TRY(symbols::Digest digest, symbols::Digest::parse(text));
    allowed.push_back(std::move(digest));
  }
  TRIGON_TRY(const symbols::ElfFile file, symbols::ElfFile::open(path));
  if (auto checked = symbols::check_digests(file, allowed); !checked.ok())
    return std::move(checked).error().with_code(ErrorCode::kPermission);
  return {};
}

}  // namespace trigon::engine
