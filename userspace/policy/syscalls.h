// System call names and numbers of the ABIs, and what their arguments are called.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace trigon::policy {

// What the agent runs on. A policy can be checked for another machine than this one.
enum class Arch { kX86_64, kArm64 };

constexpr Arch host_arch() {
#if defined(__aarch64__)
  return Arch::kArm64;
#else
  return Arch::kX86_64;
#endif
}

// Whose numbers are meant.
enum class Abi { kX64, kI386, kArm64 };

constexpr Abi native_abi(Arch arch) { return arch == Arch::kArm64 ? Abi::kArm64 : Abi::kX64; }
std::string_view abi_name(Abi abi);  // "x64", "i386", "arm64"

struct SyscallNumber {
  uint16_t number;
  const char* name;
};

extern const std::span<const SyscallNumber> kSyscallsX8664;
extern const std::span<const SyscallNumber> kSyscallsI386;
extern const std::span<const SyscallNumber> kSyscallsArm64;

std::span<const SyscallNumber> syscall_table(Abi abi);

// By the name in unistd.h ("openat"), or the kernel's function where it is called differently ("newfstat" for fstat).
std::optional<uint16_t> syscall_number(Abi abi, std::string_view name);
// Empty when there is no such number.
std::string_view syscall_name(Abi abi, uint16_t number);
// Every name, for suggestions.
std::vector<std::string_view> syscall_names(Abi abi);

// Names of the arguments in order ("dfd", "filename", …). Nothing when they are not known, which says nothing about
// the system call.
std::optional<std::vector<std::string_view>> syscall_args(std::string_view name);

}  // namespace trigon::policy
