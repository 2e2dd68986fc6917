// What a policy names when it names a call: a system call with or without ABI, a kernel function, or a list of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/fields.h"
#include "policy/ir.h"
#include "policy/validate_context.h"

namespace trigon::policy {

struct Call {
  std::string name;              // as written; of a list the entry's
  std::optional<Target> target;  // a system call; else the kernel function `name`
  bool absent = false;           // not on this machine, and that may be
  bool unresolved = false;       // Hook::unresolved; `name` is the pattern
};

// Of spec.lists; what is wrong with a list is said once, here.
std::vector<List> read_lists(const Fields& spec, const Options& options);

// Field `field` of an entry (or of an enforcer): a name or `list:NAME`. Nothing after an error. `syscall`: the field of
// that name, nothing when it is not written (then it is true).
std::optional<std::vector<Call>> read_call(const Node& node, std::string_view field, std::optional<bool> syscall,
                                           bool may_be_absent, const Context& context);

// Numbers that `list:NAME` means for a syscall64 argument: 0x80000000 is set for those of 32-bit ABIs. Nothing after an
// error.
std::optional<std::vector<uint64_t>> read_syscall_list(std::string_view text, Position at, const Context& context);

// "`sys_opnat` is not a system call of x64, did you mean `sys_openat`?"
std::string unknown_syscall(std::string_view written, std::string_view prefix, std::string_view name, Abi abi);

}  // namespace trigon::policy
