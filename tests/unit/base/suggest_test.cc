#include "base/suggest.h"

#include <gtest/gtest.h>

#include <array>

namespace trigon {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"matchArgs", "matchPIDs", "selectors", "args"};

TEST(Suggest, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("opeant", "openat"), 1u) << "neighbours swapped";
  EXPECT_EQ(edit_distance("EQUAL", "equal"), 0u);
}

TEST(Suggest, FindsTheNearestName) {
  EXPECT_EQ(nearest("matchArg", kNames), "matchArgs");
  EXPECT_EQ(nearest("matchpids", kNames), "matchPIDs");
  EXPECT_EQ(nearest("selecotr", kNames), "selectors");
}

TEST(Suggest, StaysSilentWhenNothingIsNear) {
  EXPECT_EQ(nearest("zzzzzz", kNames), std::nullopt);
  EXPECT_EQ(nearest("", kNames), std::nullopt);
  EXPECT_EQ(nearest(std::string(1000, 'a'), kNames), std::nullopt);
  EXPECT_EQ(did_you_mean("q", kNames), "");
}

TEST(Suggest, WritesAClause) { EXPECT_EQ(did_you_mean("arg", kNames), ", did you mean `args`?"); }

}  // namespace
}  // namespace trigon
