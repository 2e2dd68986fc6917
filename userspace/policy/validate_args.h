// Validation of the values that a hook entry reads: args, data, returnArg.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/fields.h"
#include "policy/ir.h"
#include "policy/validate_context.h"

namespace trigon::policy {

// Where the arguments of a hook are, and what is known of them.
struct ArgPlace {
  // What `index` counts.
  enum class Kind {
    kSyscall,      // parameters of a system call, from 0
    kFormatField,  // syscalls/sys_enter_*: lines of the format file; 4 is the number, 5 the first parameter
    kRawSyscalls,  // raw_syscalls/sys_enter: 4 is the number, 5 the array of all six
    kFunction,     // parameters of a kernel function, an LSM hook or a raw tracepoint
    kRecord,       // lines of a classic tracepoint's format file
    kUser          // parameters of a function in a process, operands of a USDT probe
  };
  Kind kind = Kind::kFunction;
  std::string subject;  // for messages: "security_file_open", "sched/sched_switch"
  uint32_t max_index = 0;
  bool returns = false;                                // `return: true`
  bool registers = false;                              // data may come from pt_regs
  std::optional<std::vector<std::string_view>> names;  // kSyscall, kFormatField: when they are known
  std::optional<Prototype> prototype;                  // kFunction, with a kernel
  std::optional<std::vector<TracepointField>> record;  // kRecord, with a kernel
};

// Registers of a system call; a function in a process passes as many that way (System V ABI; arm64 has two more).
constexpr uint32_t kCallRegisters = 6;

// `args`, `data` and `returnArg` of the entry into the hook. `data` and `returnArg` are only looked at when the entry
// may have them (FieldNames has said what is wrong otherwise). False when one of them is wrong: filters that refer to
// them are then not checked against their types.
bool read_args(const Fields& fields, const ArgPlace& place, const Context& context, Hook& hook);

}  // namespace trigon::policy
