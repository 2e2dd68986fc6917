// StackResolver: what addresses of stack traces mean. Writers ask, somebody else knows symbol tables. Single-threaded:
// the event loop, in the order of the events. An implementation may take its time the first time it sees a process or
// a file (it reads maps and symbol tables), so it caches.
#pragma once

#include <cstdint>
#include <string_view>

namespace trigon::output {

// What is not known is empty. The views are valid until the resolver is asked again.
struct StackFrame {
  std::string_view symbol;
  std::string_view module;  // of user space: path of the mapped file, as the process sees it
  uint64_t offset = 0;      // kernel: from the symbol. User space: in the file of the module
};

class StackResolver {
 public:
  virtual ~StackResolver() = default;
  virtual StackFrame kernel(uint64_t address) = 0;
  // The process by its key (trigon_record); it may have exited meanwhile.
  virtual StackFrame user(uint32_t pid, uint64_t start_ns, uint64_t address) = 0;
};

}  // namespace trigon::output
