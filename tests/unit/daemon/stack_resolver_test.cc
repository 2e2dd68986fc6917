#include "daemon/stack_resolver.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "engine/user_places.h"

extern "C" __attribute__((noinline, used)) int trigon_stack_resolver_test_marker(int x) { return x * 11 + 5; }

namespace trigon::daemon {
namespace {

Result<uint64_t> uprobe_offset(const policy::HookPoint& point) {
  TRIGON_TRY(const auto specs, engine::user_specs(point, {}));
  return specs.front().offset;
}

uint64_t marker() { return reinterpret_cast<uint64_t>(&trigon_stack_resolver_test_marker); }

TEST(SymbolResolver, UserFrames) {
  SymbolResolver resolver;
  const auto frame = resolver.user(static_cast<uint32_t>(::getpid()), 0, marker() + 1);
  EXPECT_EQ(frame.symbol, "trigon_stack_resolver_test_marker");
  EXPECT_EQ(frame.module, std::filesystem::read_symlink("/proc/self/exe").string());
  // The writers' offset is the one that a uprobe at the same place has.
  policy::HookPoint point;
  point.kind = policy::HookPoint::Kind::kUprobe;
  point.path = std::string(frame.module);
  point.symbol = "trigon_stack_resolver_test_marker";
  point.offset = 1;
  const auto place = uprobe_offset(point);
  ASSERT_TRUE(place.ok()) << place.error().message();
  EXPECT_EQ(frame.offset, *place);
}

TEST(SymbolResolver, KernelFrames) {
  SymbolResolver resolver;
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

TEST(ProbePlaces, ByAddressAndOffset) {
  policy::HookPoint point;
  point.kind = policy::HookPoint::Kind::kUprobe;
  point.path = "/proc/self/exe";
  point.symbol = "trigon_stack_resolver_test_marker";
  const auto by_symbol = uprobe_offset(point);
  ASSERT_TRUE(by_symbol.ok()) << by_symbol.error().message();
  point.symbol.clear();
  point.offset = *by_symbol;
  EXPECT_EQ(*uprobe_offset(point), *by_symbol);
  point.offset = 0;
  point.address = 1;  // the ELF header is no code
  EXPECT_FALSE(uprobe_offset(point).ok());
  point.path = "/no/such/program";
  EXPECT_EQ(uprobe_offset(point).error().code(), ErrorCode::kNotFound);
}

TEST(ProbePlaces, Digests) {
  const auto refused = engine::check_digests("/proc/self/exe", {"build-id:00", "sha256:" + std::string(64, '0')});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermission);
}

}  // namespace
}  // namespace trigon::daemon
