#include "daemon/stack_resolver.h"

namespace trigon::daemon {

output::StackFrame StackResolver::kernel(uint64_t address) {
  const auto symbol = kernel_.find(address);
  if (!symbol) return {};
  return {symbol->name, symbol->module, symbol->offset};
}

output::StackFrame StackResolver::user(uint32_t pid, uint64_t start_ns, uint64_t address) {
  const symbols::UserFrame& frame = user_.find(pid, start_ns, address);
  return {frame.symbol, frame.module, frame.offset};
}

void StackResolver::tidy() {
  kernel_.tidy();
  user_.tidy();
}

}  // namespace trigon::daemon
