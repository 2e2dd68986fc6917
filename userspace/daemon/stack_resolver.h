// StackResolver: what writers ask about addresses, answered from the symbol tables of the kernel and of processes.
#pragma once

#include <string>

#include "output/stack_resolver.h"
#include "symbols/kernel_symbols.h"
#include "symbols/user_symbols.h"

namespace trigon::daemon {

// Single-threaded: the event loop. Blocks for reads of local files when it meets a process or a file for the first time.
class StackResolver : public output::StackResolver {
 public:
  output::StackFrame kernel(uint64_t address) override;
  output::StackFrame user(uint32_t pid, uint64_t start_ns, uint64_t address) override;
  // Gives back what has not been used for a while.
  void tidy();

 private:
  symbols::KernelSymbols kernel_;
  symbols::UserSymbols user_;
};

}  // namespace trigon::daemon
