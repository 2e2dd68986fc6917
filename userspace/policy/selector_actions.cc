#include "policy/selector_actions.h"

#include <fmt/format.h>

#include <algorithm>

namespace trigon::policy {
namespace {

// These say how an event is written.
constexpr uint32_t kStacks = TRIGON_ACT_KSTACK | TRIGON_ACT_USTACK;
constexpr uint32_t kOfPost = kStacks | TRIGON_ACT_IMA | TRIGON_ACT_RATE;

Error conflict(std::string_view what) {
  return Error(ErrorCode::kInvalidPolicy, fmt::format("a selector has {}; put them into two selectors", what));
}

bool is_file(const Arg& arg) {
  switch (arg.conf.type) {
    case TRIGON_ARG_FILE:
    case TRIGON_ARG_PATH:
    case TRIGON_ARG_KIOCB:
    case TRIGON_ARG_BINPRM:
      return true;
    default:
      return false;
  }
}

Result<trigon_selector> phase(const Hook& hook, const Actions& actions, const FieldList& fields) {
  trigon_selector out{};
  const auto act = [&out](bool yes, uint32_t flag) {
    if (yes) out.actions |= flag;
  };
  act(actions.post, TRIGON_ACT_POST);
  act(actions.signal != 0, TRIGON_ACT_SIGNAL);
  act(actions.error.has_value(), TRIGON_ACT_OVERRIDE);
  act(actions.notify, TRIGON_ACT_NOTIFY);
  act(actions.cleanup, TRIGON_ACT_CLEANUP);
  act(actions.rate_ns != 0, TRIGON_ACT_RATE);
  act(actions.kernel_stack, TRIGON_ACT_KSTACK);
  act(actions.user_stack, TRIGON_ACT_USTACK);
  act(actions.ima, TRIGON_ACT_IMA);
  act(actions.track.has_value(), TRIGON_ACT_TRACK);
  act(actions.untrack.has_value(), TRIGON_ACT_UNTRACK);
  act(actions.set_arg.has_value(), TRIGON_ACT_SET);
  act(!actions.user.empty(), TRIGON_ACT_USER);

  out.signal = actions.signal;
  if (actions.notify_signal && out.signal == 0) out.signal = *actions.notify_signal;
  if (actions.notify_signal && out.signal != *actions.notify_signal) {
    return conflict("Signal and NotifyEnforcer with different signals");
  }
  out.error = actions.error.value_or(actions.notify_error.value_or(0));
  if (actions.error && actions.notify_error && *actions.error != *actions.notify_error) {
    return conflict("Override and NotifyEnforcer with different errors");
  }
  if (actions.ima + actions.track.has_value() + actions.untrack.has_value() + actions.set_arg.has_value() > 1) {
    return conflict("more than one of imaHash, TrackSock, UntrackSock and Set");
  }
  out.rate_ns = actions.rate_ns;
  out.rate_scope = static_cast<uint8_t>(actions.rate_scope);
  if (actions.ima) out.arg = fields.find(ima_file(hook));
  if (actions.track) out.arg = fields.find(hook.args[*actions.track]);
  if (actions.untrack) out.arg = fields.find(hook.args[*actions.untrack]);
  if (actions.set_arg) {
    out.arg = hook.args[*actions.set_arg].conf.arg;
    out.value = static_cast<uint32_t>(actions.set_value);
  }
  return out;
}

// An event of a hook that returns is written at the return, with what the entry asked for. Stacks are those of the
// entry.
void join(const Hook& hook, const FieldList& fields, SelectorActions& both) {
  trigon_selector& entry = both.entry;
  trigon_selector& after = both.after;
  if (!(entry.actions & TRIGON_ACT_POST)) after.actions &= ~static_cast<uint32_t>(TRIGON_ACT_POST);
  if ((entry.actions & TRIGON_ACT_RATE) && !(after.actions & TRIGON_ACT_RATE)) {
    after.rate_ns = entry.rate_ns;
    after.rate_scope = entry.rate_scope;
  }
  if (entry.actions & TRIGON_ACT_IMA) after.arg = entry.arg;
  after.actions |= entry.actions & (kOfPost | TRIGON_ACT_USER);
  if (!(after.actions & (TRIGON_ACT_POST | TRIGON_ACT_USER))) after.actions &= ~kOfPost;
  entry.actions &= ~(kOfPost | TRIGON_ACT_USER | TRIGON_ACT_POST);
  entry.rate_ns = 0;
  entry.actions |= after.actions & kStacks;
  after.actions &= ~kStacks;
  if (hook.return_arg && (hook.track_return || hook.untrack_return)) {
    after.actions |= hook.track_return ? TRIGON_ACT_TRACK : TRIGON_ACT_UNTRACK;
    after.arg = fields.find(*hook.return_arg);
  }
  if (after.actions != 0) entry.actions |= TRIGON_ACT_RETURN;
}

}  // namespace

bool has_return(const Hook& hook) {
  return hook.return_arg || hook.point.returns ||
         std::any_of(hook.args.begin(), hook.args.end(), [](const Arg& arg) { return at_return(arg.conf); });
}

Arg ima_file(const Hook& hook) {
  const auto declared = std::find_if(hook.args.begin(), hook.args.end(), is_file);
  if (declared != hook.args.end()) return *declared;
  Arg file;
  file.kind = ValueKind::kPath;
  file.conf.type = hook.point.symbol.starts_with("bprm_") ? TRIGON_ARG_BINPRM : TRIGON_ARG_FILE;
  return file;
}

Result<SelectorActions> actions_of(const Hook& hook, const Selector& selector, const FieldList& fields) {
  SelectorActions out;
  TRIGON_TRY(out.entry, phase(hook, selector.actions, fields));
  if (has_return(hook)) {
    TRIGON_TRY(out.after, phase(hook, selector.return_actions, fields));
    join(hook, fields, out);
  }
  if (hook.enforcer) out.entry.actions |= TRIGON_ACT_ENFORCER;
  return out;
}

SelectorInfo info_of(const Selector& selector, const SelectorActions& actions) {
  SelectorInfo info;
  info.actions = actions.entry.actions;
  info.return_actions = actions.after.actions;
  info.signal = actions.entry.signal;
  info.return_signal = actions.after.signal;
  info.error = actions.entry.error;
  info.is_sigkill = selector.actions.is_sigkill;
  info.return_is_sigkill = selector.return_actions.is_sigkill;
  info.label = selector.label;
  for (const auto* list : {&selector.actions.user, &selector.return_actions.user}) {
    for (const UserAction& action : *list) info.user.push_back({action.what == Deferred::kDnsLookup, action.target});
  }
  return info;
}

}  // namespace trigon::policy
