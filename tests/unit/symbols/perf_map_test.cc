#include "symbols/perf_map.h"

#include <gtest/gtest.h>

#include <span>

#include "elf_builder.h"

namespace trigon::symbols {
namespace {

std::string find(const PerfMap& map, uint64_t address) { return std::string(map.find(address).value_or("none")); }

TEST(PerfMap, Finds) {
  const auto map =
      PerfMap::parse(test::StringBytes("7f0000001000 40 LazyCompile:~run /srv/app.js:12\n"
                                       "0x7f0000002000 0x10 second\n"
                                       "not a line\n"
                                       "7f0000003000 0 empty\n"
                                       "7f0000001000 20 recompiled\n"
                                       "7f0000004000 10"));
  EXPECT_EQ(map.size(), 3U);
  EXPECT_EQ(find(map, 0x7f0000001000), "recompiled");
  EXPECT_EQ(find(map, 0x7f000000101f), "recompiled");
  EXPECT_EQ(find(map, 0x7f0000001020), "none");
  EXPECT_EQ(find(map, 0x7f000000200f), "second");
  EXPECT_EQ(find(map, 0x7f0000002010), "none");
  EXPECT_EQ(find(map, 0x7f0000000fff), "none");
}

TEST(PerfMap, LinesAcrossChunks) {
  std::string text;
  for (unsigned i = 0; i < 20000; ++i) {
    char line[64];
    std::snprintf(line, sizeof(line), "%x 10 function_%u\n", 0x100000 + i * 16, i);
    text += line;
  }
  const auto map = PerfMap::parse(test::StringBytes(text));
  EXPECT_EQ(map.size(), 20000U);
  EXPECT_EQ(find(map, 0x100000 + 12345 * 16 + 3), "function_12345");
}

TEST(PerfMap, IsBounded) {
  // One endless line, and more lines than are kept.
  EXPECT_EQ(PerfMap::parse(test::StringBytes(std::string(1 << 20, 'a'))).size(), 0U);
  std::string text;
  for (unsigned i = 0; i < PerfMap::kMaxFunctions + 1000; ++i) text += "1000 10 f\n";
  EXPECT_EQ(PerfMap::parse(test::StringBytes(text)).size(), PerfMap::kMaxFunctions);
  const auto map = PerfMap::parse(test::StringBytes("1000 10 " + std::string(5000, 'x') + "\n"));
  EXPECT_EQ(find(map, 0x1000).size(), PerfMap::kMaxName);
}

}  // namespace
}  // namespace trigon::symbols
