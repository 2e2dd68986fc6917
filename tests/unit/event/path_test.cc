#include "event/path.h"

#include <gtest/gtest.h>

#include <string_view>

#include "bpf/abi/record.h"

namespace trigon::event {
namespace {

using namespace std::string_view_literals;

TEST(Path, JoinsFromTheRoot) {
  EXPECT_EQ(join_path("c\0b\0a\0"sv, 0), "/a/b/c");
  EXPECT_EQ(join_path("ls\0"sv, 0), "/ls");
  EXPECT_EQ(join_path("c\0b"sv, 0), "/b/c");  // the last NUL is missing
}

TEST(Path, NoComponentIsTheRootUnlessReadingFailed) {
  EXPECT_EQ(join_path("", 0), "/");
  EXPECT_EQ(join_path("", TRIGON_PATH_ERROR), "");
}

TEST(Path, TellsDeletedFiles) {
  EXPECT_EQ(join_path("x\0tmp\0"sv, TRIGON_PATH_UNLINKED), "/tmp/x (deleted)");
  EXPECT_EQ(join_path("x (deleted)\0tmp\0"sv, 0), "/tmp/x (deleted)");  // a file that is called so
}

TEST(Path, MemfdIsShownAsTheKernelDoes) {
  EXPECT_EQ(join_path("memfd:x\0"sv, TRIGON_PATH_PSEUDO), "/memfd:x (deleted)");
  EXPECT_EQ(join_path("memfd:x\0"sv, TRIGON_PATH_PSEUDO | TRIGON_PATH_UNLINKED), "/memfd:x (deleted)");
  EXPECT_EQ(join_path("memfd:x (deleted)\0"sv, TRIGON_PATH_PSEUDO), "/memfd:x (deleted)");
  EXPECT_EQ(join_path("pipe:[12]\0"sv, TRIGON_PATH_PSEUDO), "pipe:[12]");
}

TEST(Path, MissingBeginningShows) {
  EXPECT_EQ(join_path("c\0b\0"sv, TRIGON_PATH_TRUNCATED), ".../b/c");
  EXPECT_EQ(join_path("c\0b\0"sv, TRIGON_PATH_TRUNCATED | TRIGON_PATH_UNLINKED), ".../b/c (deleted)");
}

TEST(Path, AppendsToWhatIsThere) {
  std::string text = "x";
  append_path("b\0a\0"sv, 0, &text);
  EXPECT_EQ(text, "x/a/b");
}

}  // namespace
}  // namespace trigon::event
