#include "policy/syscalls.h"

#include <algorithm>

namespace trigon::policy {
namespace {

// Kernel functions (and with them syscall tracepoints) whose name is not that of the system call.
struct FunctionName {
  std::string_view function;
  std::string_view name;
};
constexpr FunctionName kFunctionNames[] = {
    {"newstat", "stat"},           {"newlstat", "lstat"},        {"newfstat", "fstat"},
    {"newuname", "uname"},         {"sendfile64", "sendfile"},   {"umount", "umount2"},
    {"fadvise64_64", "fadvise64"}, {"newfstatat", "newfstatat"}, {"fstatat", "newfstatat"},
};

}  // namespace

std::string_view abi_name(Abi abi) {
  switch (abi) {
    case Abi::kI386:
      return "i386";
    case Abi::kArm64:
      return "arm64";
    case Abi::kX64:
      break;
  }
  return "x64";
}

std::span<const SyscallNumber> syscall_table(Abi abi) {
  switch (abi) {
    case Abi::kI386:
      return kSyscallsI386;
    case Abi::kArm64:
      return kSyscallsArm64;
    case Abi::kX64:
      break;
  }
  return kSyscallsX8664;
}

std::optional<uint16_t> syscall_number(Abi abi, std::string_view name) {
  const auto find = [table = syscall_table(abi)](std::string_view wanted) -> std::optional<uint16_t> {
    for (const SyscallNumber& entry : table) {
      if (wanted == entry.name) return entry.number;
    }
    return std::nullopt;
  };
  // unistd.h first: i386 has an umount and an umount2.
  if (const auto number = find(name)) return number;
  for (const FunctionName& alias : kFunctionNames) {
    if (alias.function == name) return find(alias.name);
  }
  return std::nullopt;
}

std::string_view syscall_name(Abi abi, uint16_t number) {
  const auto table = syscall_table(abi);
  const auto found = std::lower_bound(table.begin(), table.end(), number,
                                      [](const SyscallNumber& entry, uint16_t n) { return entry.number < n; });
  return found != table.end() && found->number == number ? std::string_view(found->name) : std::string_view();
}

std::vector<std::string_view> syscall_names(Abi abi) {
  std::vector<std::string_view> names;
  for (const SyscallNumber& entry : syscall_table(abi)) names.emplace_back(entry.name);
  return names;
}

}  // namespace trigon::policy
