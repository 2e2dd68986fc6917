// The format file of a classic tracepoint (events/SUBSYSTEM/EVENT/format in tracefs).
#pragma once

#include <string_view>
#include <vector>

#include "policy/kernel_info.h"

namespace trigon::engine {

// Fields in the order of the file, common_* included. Lines that are none are passed over.
std::vector<policy::TracepointField> parse_tracepoint_format(std::string_view text);

}  // namespace trigon::engine
