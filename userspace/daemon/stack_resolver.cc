#include "daemon/stack_resolver.h"

namespace trigon::daemon {

output::StackFrame SymbolResolver::kernel(uint64_t address) {
  const auto symbol = kernel_.find(address);
  if (!symbol) return {};
  return {symbol->name, {}, symbol->offset};
}

output::StackFrame SymbolResolver::user(uint32_t pid, uint64_t start_ns, uint64_t address) {
  const symbols::UserFrame& frame = user_.find(pid, start_ns, address);
  return {frame.symbol, frame.module, frame.offset};
}

void SymbolResolver::tidy() {
  kernel_.tidy();
  user_.tidy();
}

}  // namespace trigon::daemon
