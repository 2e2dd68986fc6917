// System calls as fields of type TRIGON_ARG_SYSCALL carry them: the number, with 0x80000000 when it is of the 32-bit
// ABI.
#pragma once

#include <cstdint>
#include <string_view>

namespace trigon::output {

constexpr uint64_t kCompatSyscall = 0x80000000u;

constexpr uint32_t syscall_number(uint64_t value) { return static_cast<uint32_t>(value & ~kCompatSyscall); }

// "x64", "i386", "arm64", "arm32".
constexpr std::string_view syscall_abi(uint64_t value) {
#if defined(__aarch64__)
  return value & kCompatSyscall ? "arm32" : "arm64";
#else
  return value & kCompatSyscall ? "i386" : "x64";
#endif
}

}  // namespace trigon::output
