#include <fmt/format.h>

#include "policy/compiled.h"

namespace trigon::policy {

std::string describe(const HookPoint& point) {
  switch (point.kind) {
    case HookPoint::Kind::kFunction:
      return point.symbol;
    case HookPoint::Kind::kLsm:
      return "lsm/" + point.symbol;
    case HookPoint::Kind::kTracepoint:
      return fmt::format("tracepoint/{}/{}", point.subsystem, point.symbol);
    case HookPoint::Kind::kRawTracepoint:
      return "raw_tracepoint/" + point.symbol;
    case HookPoint::Kind::kUsdt:
      return fmt::format("usdt/{}:{}:{}", point.path, point.subsystem, point.symbol);
    case HookPoint::Kind::kUprobe:
      break;
  }
  std::string text = fmt::format("uprobe/{}:{}", point.path, point.symbol);
  if (point.address != 0) return text + fmt::format("{:#x}", point.address);
  if (point.symbol.empty()) return text + fmt::format("+{:#x}", point.offset);
  return point.offset == 0 ? text : text + fmt::format("+{:#x}", point.offset);
}

}  // namespace trigon::policy
