#include "output/action.h"

namespace trigon::output {
namespace {

constexpr std::string_view kPost = "KPROBE_ACTION_POST";

// In the order in which a hook carries them out, from the last.
std::string_view name_of(uint32_t actions, bool is_sigkill, const HookEvent& event) {
  const trigon_hook_event& record = *event.hook.record;
  if ((actions & (TRIGON_ACT_SIGNAL | TRIGON_ACT_ENFORCER)) != 0 && (record.flags & TRIGON_HOOK_SIGNALLED) != 0) {
    return is_sigkill ? "KPROBE_ACTION_SIGKILL" : "KPROBE_ACTION_SIGNAL";
  }
  if ((actions & (TRIGON_ACT_OVERRIDE | TRIGON_ACT_ENFORCER)) != 0 && (record.flags & TRIGON_HOOK_OVERRIDDEN) != 0) {
    return "KPROBE_ACTION_OVERRIDE";
  }
  if ((record.flags & TRIGON_HOOK_MONITORED) == 0) {
    if (actions & TRIGON_ACT_SET) return "KPROBE_ACTION_SET";
    if (actions & TRIGON_ACT_NOTIFY) return "KPROBE_ACTION_NOTIFYENFORCER";
  }
  if (actions & TRIGON_ACT_CLEANUP) return "KPROBE_ACTION_CLEANUPENFORCERNOTIFICATION";
  if (actions & TRIGON_ACT_UNTRACK) return "KPROBE_ACTION_UNTRACKSOCK";
  if (actions & TRIGON_ACT_TRACK) return "KPROBE_ACTION_TRACKSOCK";
  if ((actions & TRIGON_ACT_USER) != 0 && event.user_action != nullptr) {
    return event.user_action->dns ? "KPROBE_ACTION_DNSLOOKUP" : "KPROBE_ACTION_GETURL";
  }
  return kPost;
}

}  // namespace

std::string_view action_name(const HookEvent& event) {
  const policy::SelectorInfo& info = event.selector.info;
  return name_of(info.actions, info.is_sigkill, event);
}

std::string_view return_action_name(const HookEvent& event) {
  const policy::SelectorInfo& info = event.selector.info;
  return name_of(info.return_actions, info.return_is_sigkill, event);
}

std::string_view only_action_name(const HookEvent& event) {
  const std::string_view name = return_action_name(event);
  return name == kPost ? action_name(event) : name;
}

bool was_monitored(const HookEvent& event) {
  const policy::SelectorInfo& info = event.selector.info;
  return (event.hook.record->flags & TRIGON_HOOK_MONITORED) != 0 &&
         ((info.actions | info.return_actions) & kEnforcing) != 0;
}

}  // namespace trigon::output
