// Where a register lies in struct pt_regs: the layouts are fixed by the ptrace interface of each architecture.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/syscalls.h"

namespace trigon::policy {

// Byte offset of an 8-byte register: "rdi", "rip", "orig_rax" on x86_64, "x0", "sp", "pc" on arm64.
std::optional<uint32_t> register_offset(Arch arch, std::string_view name);
// ", did you mean `x`?" or nothing.
std::string register_suggestion(Arch arch, std::string_view name);

}  // namespace trigon::policy
