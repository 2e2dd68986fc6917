// What a selector did about an event, as events say it.
#pragma once

#include <string_view>

#include "output/writer.h"

namespace trigon::output {

// Actions that a policy's mode holds back.
constexpr uint32_t kEnforcing = TRIGON_ACT_SIGNAL | TRIGON_ACT_OVERRIDE | TRIGON_ACT_NOTIFY | TRIGON_ACT_SET;

// KprobeAction: the last action that was executed; what was held back or failed is not claimed. Of an event that joins
// entry and return these are two answers, of others the first is the only one.
std::string_view action_name(const HookEvent& event);
std::string_view return_action_name(const HookEvent& event);
// Of both, for messages that have one member for it: that of the return phase, unless it did nothing but post.
std::string_view only_action_name(const HookEvent& event);

// Whether the event's selector would have enforced, and the policy's mode held it back.
bool was_monitored(const HookEvent& event);

}  // namespace trigon::output
