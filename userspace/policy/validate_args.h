// Validation of the args list of a hook entry.
#pragma once

#include "policy/fields.h"
#include "policy/ir.h"

namespace trigon::policy {

// What `index` counts.
enum class ArgIndexing {
  kParameter,    // kprobes: parameters from 0
  kFormatField,  // syscalls/sys_enter_*: lines of the format file; 4 is the number, 5 the first parameter
  kRawSyscalls   // raw_syscalls/sys_enter: 4 is the number, 5 the array of all six
};

// `hook_known`: the system call was found, so its arguments can be counted. False when an argument is wrong: filters
// that refer to them are then not checked against their types.
bool read_args(const Fields& fields, ArgIndexing indexing, bool hook_known, Hook& hook);

}  // namespace trigon::policy
