// Policies for the tests of the compiler, without YAML.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "policy/ir.h"

namespace trigon::policy {

inline Arg make_arg(uint8_t index, uint8_t type, ValueKind kind = ValueKind::kNumber, uint8_t bits = 64) {
  Arg arg;
  arg.index = index;
  arg.kind = kind;
  arg.bits = bits;
  arg.conf.type = type;
  arg.conf.arg = index;
  return arg;
}
inline Arg text_arg(uint8_t index) { return make_arg(index, TRIGON_ARG_STRING, ValueKind::kString); }
inline Arg path_arg(uint8_t index) { return make_arg(index, TRIGON_ARG_FILE, ValueKind::kPath); }
inline Arg sock_arg(uint8_t index) { return make_arg(index, TRIGON_ARG_SOCK, ValueKind::kSocket); }
inline Arg result_arg() {
  Arg arg = make_arg(0, TRIGON_ARG_INT64);
  arg.is_signed = true;
  arg.conf.source = TRIGON_FROM_RETURN;
  return arg;
}

inline Predicate strings(Match match, std::vector<std::string> values, bool negated = false) {
  Predicate out;
  out.match = match;
  out.negated = negated;
  out.strings = std::move(values);
  return out;
}
inline Predicate numbers(std::vector<uint64_t> values, trigon_part part = TRIGON_PART_VALUE) {
  Predicate out;
  out.part = part;
  out.numbers = std::move(values);
  return out;
}
inline Predicate mask(uint64_t bits) {
  Predicate out;
  out.match = Match::kMask;
  out.mask = bits;
  return out;
}

inline Hook syscall_hook(uint16_t number, std::vector<Arg> args, std::vector<Selector> selectors = {Selector{}}) {
  Hook hook;
  hook.function = "sys_" + std::to_string(number);
  hook.is_syscall = true;
  hook.target.number = number;
  hook.args = std::move(args);
  hook.selectors = std::move(selectors);
  return hook;
}

inline Hook lsm_hook(const std::string& name, std::vector<Arg> args, std::vector<Selector> selectors = {Selector{}}) {
  Hook hook;
  hook.kind = HookKind::kLsm;
  hook.function = name;
  hook.point.kind = HookPoint::Kind::kLsm;
  hook.point.symbol = name;
  hook.args = std::move(args);
  hook.selectors = std::move(selectors);
  return hook;
}

inline Hook function_hook(const std::string& name, std::vector<Arg> args,
                          std::vector<Selector> selectors = {Selector{}}) {
  Hook hook = lsm_hook(name, std::move(args), std::move(selectors));
  hook.kind = HookKind::kKprobe;
  hook.point.kind = HookPoint::Kind::kFunction;
  return hook;
}

// With a return phase.
inline Hook returning(Hook hook) {
  hook.return_arg = result_arg();
  hook.point.returns = !hook.is_syscall;
  return hook;
}

inline Selector where(size_t arg, Predicate predicate) {
  Selector out;
  out.args.push_back({arg, std::move(predicate), Role::kArg, 0});
  return out;
}

inline Policy make_policy(const std::string& name, std::vector<Hook> hooks) {
  Policy out;
  out.name = name;
  out.hooks = std::move(hooks);
  return out;
}

}  // namespace trigon::policy
