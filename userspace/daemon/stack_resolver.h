// StackResolver: what writers ask about addresses, answered from the symbol tables of the kernel and of processes.
#pragma once

#include <cstdint>
#include <string>

#include "output/stack_resolver.h"
#include "symbols/kernel_symbols.h"
#include "symbols/user_symbols.h"

namespace trigon::daemon {

// Single-threaded: the event loop. Blocks for reads of local files when it meets a process or a file for the first
// time. Construct it before capabilities are dropped: /proc/kallsyms is opened then, and read at the first kernel
// stack.
class StackResolver : public output::StackResolver {
 public:
  output::StackFrame kernel(uint64_t address) override;
  output::StackFrame user(uint32_t pid, uint64_t start_ns, uint64_t address) override;
  // The process has executed another program or exited; without it, up to a second passes until that is noticed.
  void forget(uint32_t pid) { user_.forget(pid); }
  // Why kernel frames have no names; empty: they have, or nobody has asked yet.
  const std::string& kernel_problem() const { return kernel_.why(); }
  // Gives back what has not been used for a while.
  void tidy();

 private:
  symbols::KernelSymbols kernel_;
  symbols::UserSymbols user_;
};

}  // namespace trigon::daemon
