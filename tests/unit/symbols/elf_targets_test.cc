#include "symbols/elf_targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <cstdlib>

#include "elf_builder.h"
#include "loaded.h"

extern "C" __attribute__((noinline, used)) int trigon_elf_targets_test_marker(int x) { return x * 5 + 2; }

namespace trigon::symbols {
namespace {

using test::ElfBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The bytes of the file at the offset are those of the function in memory.
void expect_same_code(const ElfTargets& targets, uint64_t offset, const void* place) {
  unsigned char code[8];
  ASSERT_TRUE(targets.file().bytes().read(offset, code, sizeof(code)));
  EXPECT_EQ(std::memcmp(code, place, sizeof(code)), 0);
}

TEST(ElfTargets, SymbolOfThisProgram) {
  const auto targets = ElfTargets::open("/proc/self/exe");
  ASSERT_TRUE(targets.ok()) << targets.error().message();
  const auto* place = reinterpret_cast<const char*>(&trigon_elf_targets_test_marker);
  const auto target = targets->symbol("trigon_elf_targets_test_marker");
  ASSERT_TRUE(target.ok()) << target.error().message();
  expect_same_code(*targets, target->offset, place);
  EXPECT_THAT(target->others, ElementsAre());
  for (const char* text : {"trigon_elf_targets_test_marker+0x4", "trigon_elf_targets_test_marker+4"}) {
    const auto inside = targets->symbol(text);
    ASSERT_TRUE(inside.ok()) << inside.error().message();
    EXPECT_EQ(inside->offset, target->offset + 4);
  }
  const auto beyond = targets->symbol("trigon_elf_targets_test_marker+0x1000");
  ASSERT_FALSE(beyond.ok());
  EXPECT_THAT(beyond.error().message(), HasSubstr("beyond the end of trigon_elf_targets_test_marker"));
}

TEST(ElfTargets, NamesTheNearest) {
  const auto targets = ElfTargets::open("/proc/self/exe");
  ASSERT_TRUE(targets.ok());
  const auto target = targets->symbol("trigon_elf_targets_test_markr");
  ASSERT_FALSE(target.ok());
  EXPECT_EQ(target.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(target.error().message(), HasSubstr("has no function trigon_elf_targets_test_markr, did you mean "
                                                  "`trigon_elf_targets_test_marker`?"));
}

TEST(ElfTargets, LibcByNameAndAddress) {
  const auto* place = reinterpret_cast<const char*>(&::qsort);
  const test::Loaded libc = test::loaded_at(place);
  const auto targets = ElfTargets::open(libc.path);
  ASSERT_TRUE(targets.ok()) << targets.error().message();
  const auto by_name = targets->symbol("qsort");
  ASSERT_TRUE(by_name.ok()) << by_name.error().message();
  expect_same_code(*targets, by_name->offset, place);
  const auto by_address = targets->address(test::to_address(place) - libc.bias);
  ASSERT_TRUE(by_address.ok());
  EXPECT_EQ(by_address->offset, by_name->offset);
  const auto by_offset = targets->offset(by_name->offset);
  ASSERT_TRUE(by_offset.ok());
  EXPECT_EQ(by_offset->offset, by_name->offset);
  // What is opened through the descriptor is the file that was looked into.
  const auto again = ElfFile::open(targets->attach_path());
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again->build_id(), targets->file().build_id());
}

// Two versions of one name in glibc; the linker, and so dlsym, takes the default.
TEST(ElfTargets, TheDefaultVersion) {
  const test::Loaded libc = test::loaded_at(reinterpret_cast<const void*>(&::qsort));
  const auto targets = ElfTargets::open(libc.path);
  ASSERT_TRUE(targets.ok());
  const auto* place = static_cast<const char*>(::dlsym(RTLD_DEFAULT, "pthread_cond_signal"));
  ASSERT_NE(place, nullptr);
  if (test::loaded_at(place).path != libc.path) GTEST_SKIP() << "pthread_cond_signal is not libc's here";
  const auto target = targets->symbol("pthread_cond_signal");
  ASSERT_TRUE(target.ok()) << target.error().message();
  EXPECT_EQ(targets->file().address_of(target->offset), test::to_address(place) - libc.bias);
  EXPECT_THAT(target->others, ElementsAre());
}

TEST(ElfTargets, BashHasReadline) {
  const auto targets = ElfTargets::open("/bin/bash");
  if (!targets.ok()) GTEST_SKIP() << targets.error().message();
  EXPECT_TRUE(targets->symbol("readline").ok());
}

TEST(ElfTargets, StaticFunctionsOfOneNameAreAllMeant) {
  ElfBuilder builder;
  const uint64_t base = ElfBuilder::kCodeAddress;
  builder.symbols(SHT_SYMTAB, {{"init", base + 0x10, 16, STB_LOCAL},
                               {"init", base + 0x40, 16, STB_LOCAL},
                               {"init", base + 0x40, 16, STB_LOCAL},
                               {"mixed", base + 0x80, 16, STB_LOCAL},
                               {"mixed", base + 0xa0, 16, STB_GLOBAL},
                               {"data", ElfBuilder::kDataAddress, 8, STB_GLOBAL, STT_OBJECT},
                               // Tails of names are shared: "fix" must not be found inside "prefix".
                               {"prefix", base + 0xc0, 16}});
  const auto file = test::parse_elf(builder.bytes());
  ASSERT_TRUE(file.ok());
  const ElfTargets targets(*file);
  const auto init = targets.symbol("init");
  ASSERT_TRUE(init.ok());
  EXPECT_EQ(init->offset, ElfBuilder::kCode + 0x10);
  EXPECT_THAT(init->others, ElementsAre(ElfBuilder::kCode + 0x40));
  const auto mixed = targets.symbol("mixed");
  ASSERT_TRUE(mixed.ok());
  EXPECT_EQ(mixed->offset, ElfBuilder::kCode + 0xa0);
  EXPECT_THAT(mixed->others, ElementsAre());
  EXPECT_FALSE(targets.symbol("data").ok());
  EXPECT_FALSE(targets.symbol("fix").ok());
  EXPECT_FALSE(targets.symbol("").ok());
}

TEST(ElfTargets, ChecksAddressesAndOffsets) {
  const auto file = test::parse_elf(ElfBuilder().bytes());
  ASSERT_TRUE(file.ok());
  const ElfTargets targets(*file);
  EXPECT_EQ(targets.address(ElfBuilder::kCodeAddress + 4)->offset, ElfBuilder::kCode + 4);
  EXPECT_THAT(targets.address(0x10).error().message(), HasSubstr("0x10 is in none of its loadable segments"));
  EXPECT_THAT(targets.address(ElfBuilder::kDataAddress).error().message(), HasSubstr("is data, a probe needs code"));
  EXPECT_TRUE(targets.offset(ElfBuilder::kCode).ok());
  EXPECT_THAT(targets.offset(ElfBuilder::kData).error().message(), HasSubstr("is data, a probe needs code"));
  EXPECT_FALSE(targets.offset(uint64_t{1} << 40).ok());
  EXPECT_THAT(targets.symbol("main").error().message(), HasSubstr("it is stripped"));
}

}  // namespace
}  // namespace trigon::symbols
