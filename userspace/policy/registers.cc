#include "policy/registers.h"

#include <charconv>
#include <vector>

#include "base/suggest.h"

namespace trigon::policy {
namespace {

constexpr uint32_t kRegister = 8;  // bytes

// arch/x86/include/asm/ptrace.h (x86_64), in the order of the structure, by the names of the assembler.
constexpr std::string_view kX86[] = {"r15", "r14", "r13", "r12", "rbp",      "rbx", "r11", "r10",    "r9",  "r8", "rax",
                                     "rcx", "rdx", "rsi", "rdi", "orig_rax", "rip", "cs",  "eflags", "rsp", "ss"};
// arch/arm64/include/uapi/asm/ptrace.h: x0 to x30, then these.
constexpr uint32_t kArmGeneral = 31;
constexpr std::string_view kArm[] = {"sp", "pc", "pstate"};

}  // namespace

std::optional<uint32_t> register_offset(Arch arch, std::string_view name) {
  uint32_t position = 0;
  if (arch == Arch::kX86_64) {
    for (std::string_view each : kX86) {
      if (each == name) return position * kRegister;
      ++position;
    }
    return std::nullopt;
  }
  for (std::string_view each : kArm) {
    if (each == name) return (kArmGeneral + position) * kRegister;
    ++position;
  }
  if (!name.starts_with('x')) return std::nullopt;
  const char* end = name.data() + name.size();
  const auto [last, code] = std::from_chars(name.data() + 1, end, position);
  if (code != std::errc() || last != end || position >= kArmGeneral) return std::nullopt;
  return position * kRegister;
}

std::string register_suggestion(Arch arch, std::string_view name) {
  if (arch == Arch::kX86_64) return did_you_mean(name, kX86);
  return did_you_mean(name, kArm);
}

}  // namespace trigon::policy
