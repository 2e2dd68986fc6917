#include "policy/syscalls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace trigon::policy {
namespace {

using testing::ElementsAre;
using testing::Optional;

TEST(Syscalls, TablesAreOrderedAndFitTheKernelSide) {
  for (Abi abi : {Abi::kX64, Abi::kI386, Abi::kArm64}) {
    const auto table = syscall_table(abi);
    ASSERT_GT(table.size(), 300u);
    for (size_t i = 1; i < table.size(); ++i) EXPECT_LT(table[i - 1].number, table[i].number);
    EXPECT_LT(table.back().number, 512);
    for (const SyscallNumber& entry : table) {
      EXPECT_EQ(syscall_number(abi, entry.name), entry.number);
      EXPECT_EQ(syscall_name(abi, entry.number), entry.name);
    }
  }
}

TEST(Syscalls, NewOnesAreKnown) {
  EXPECT_THAT(syscall_number(Abi::kX64, "openat2"), Optional(437));
  EXPECT_THAT(syscall_number(Abi::kX64, "clone3"), Optional(435));
  EXPECT_THAT(syscall_number(Abi::kArm64, "mseal"), Optional(462));
  EXPECT_THAT(syscall_number(Abi::kI386, "setxattrat"), Optional(463));
  EXPECT_THAT(syscall_number(Abi::kX64, "uretprobe"), Optional(335));
  EXPECT_THAT(syscall_number(Abi::kX64, "file_setattr"), Optional(469));
  EXPECT_EQ(syscall_number(Abi::kArm64, "open"), std::nullopt);
}

TEST(Syscalls, KernelFunctionNamesAreAliases) {
  EXPECT_THAT(syscall_number(Abi::kX64, "newfstat"), Optional(5));
  EXPECT_THAT(syscall_number(Abi::kX64, "umount"), Optional(166));
  EXPECT_THAT(syscall_number(Abi::kI386, "umount"), Optional(22));
}

TEST(Syscalls, ArgumentsAreFoundByName) {
  EXPECT_THAT(syscall_args("openat"), Optional(ElementsAre("dfd", "filename", "flags", "mode")));
  EXPECT_THAT(syscall_args("accept"), Optional(testing::SizeIs(3)));
  EXPECT_THAT(syscall_args("write"), Optional(testing::SizeIs(3)));
  EXPECT_THAT(syscall_args("getpid"), Optional(testing::IsEmpty()));
  EXPECT_EQ(syscall_args("nonesuch"), std::nullopt);
}

// The committed tables against the headers of the machine, where it has them.
TEST(Syscalls, AgreeWithTheInstalledHeaders) {
  const std::pair<Abi, const char*> headers[] = {{Abi::kX64, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"},
                                                 {Abi::kI386, "/usr/include/x86_64-linux-gnu/asm/unistd_32.h"}};
  size_t compared = 0;
  for (const auto& [abi, path] : headers) {
    std::ifstream in(path);
    std::string define, name;
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      if (!(words >> define >> name >> number) || define != "#define" || !name.starts_with("__NR_")) continue;
      EXPECT_EQ(syscall_number(abi, name.substr(5)), number) << name;
      ++compared;
    }
  }
  if (compared == 0) GTEST_SKIP() << "the headers of linux-libc-dev are not installed";
}

}  // namespace
}  // namespace trigon::policy
