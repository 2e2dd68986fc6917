#include "daemon/stack_resolver.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "symbols/elf_targets.h"

extern "C" __attribute__((noinline, used)) int trigon_stack_resolver_test_marker(int x) { return x * 11 + 5; }

namespace trigon::daemon {
namespace {

uint64_t marker() { return reinterpret_cast<uint64_t>(&trigon_stack_resolver_test_marker); }

TEST(StackResolver, UserFrames) {
  StackResolver resolver;
  const auto frame = resolver.user(static_cast<uint32_t>(::getpid()), 0, marker() + 1);
  EXPECT_EQ(frame.symbol, "trigon_stack_resolver_test_marker");
  EXPECT_EQ(frame.module, std::filesystem::read_symlink("/proc/self/exe").string());
  // The writers' offset is the one that a uprobe at the same place has.
  const auto targets = symbols::ElfTargets::open(std::string(frame.module));
  ASSERT_TRUE(targets.ok()) << targets.error().message();
  const auto place = targets->symbol("trigon_stack_resolver_test_marker+1");
  ASSERT_TRUE(place.ok()) << place.error().message();
  EXPECT_EQ(frame.offset, place->offset);
}

TEST(StackResolver, KernelFrames) {
  StackResolver resolver;
  std::ifstream file("/proc/kallsyms");
  std::string line;
  uint64_t address = 0;
  while (std::getline(file, line) && address == 0)
    if (line.ends_with(" T vfs_read")) address = std::stoull(line, nullptr, 16);
  if (address == 0) GTEST_SKIP() << "kernel addresses are hidden from this user";
  const auto frame = resolver.kernel(address + 5);
  EXPECT_EQ(frame.symbol, "vfs_read");
  EXPECT_EQ(frame.offset, 5U);
  EXPECT_EQ(frame.module, "");
  EXPECT_EQ(resolver.kernel(1).symbol, "");
  EXPECT_EQ(resolver.kernel_problem(), "");
}

}  // namespace
}  // namespace trigon::daemon
