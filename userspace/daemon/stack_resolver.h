// SymbolResolver: addresses of stack traces to names, for the writers. Joins symbols/ and output/, which do not know
// each other.
#pragma once

#include <cstdint>

#include "output/stack_resolver.h"
#include "symbols/kernel_symbols.h"
#include "symbols/user_symbols.h"

namespace trigon::daemon {

// Construct it before privileges are dropped: /proc/kallsyms is opened then and may be read afterwards. Nothing is read
// before the first stack trace. Single-threaded.
class SymbolResolver : public output::StackResolver {
 public:
  // The offset of a kernel frame is from its symbol.
  output::StackFrame kernel(uint64_t address) override;
  // The offset of a user frame is in the module's file. An exited process has frames when it was seen before.
  output::StackFrame user(uint32_t pid, uint64_t start_ns, uint64_t address) override;

  // The process has executed another program or exited.
  void forget(uint32_t pid) { user_.forget(pid); }
  // Gives back what nobody has asked for lately; once a second is plenty.
  void tidy();
  // Why kernel frames have no names; empty: they have.
  const std::string& kernel_problem() const { return kernel_.why(); }
  // Memory of all tables.
  size_t bytes() const { return kernel_.bytes() + user_.bytes(); }

 private:
  symbols::KernelSymbols kernel_;
  symbols::UserSymbols user_;
};

}  // namespace trigon::daemon
