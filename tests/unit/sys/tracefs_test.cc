#include "sys/tracefs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "fake_tree.h"

namespace trigon::sys {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Tracefs, ReadsAndLists) {
  const test::FakeTree tree({{"events/sched/sched_switch/id", "316\n"},
                             {"events/sched/sched_process_exec/id", "310\n"},
                             {"events/sched/enable", "0\n"}});
  const auto tracefs = Tracefs::at(tree.root());
  ASSERT_TRUE(tracefs.ok());
  const auto id = tracefs->read("events/sched/sched_switch/id");
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(*id, "316\n");
  const auto names = tracefs->list("events/sched");
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, ElementsAre("enable", "sched_process_exec", "sched_switch"));
}

TEST(Tracefs, SaysWhatIsMissing) {
  const test::FakeTree tree({{"events/enable", "0\n"}});
  const auto tracefs = Tracefs::at(tree.root());
  ASSERT_TRUE(tracefs.ok());
  const auto id = tracefs->read("events/sched/no_such_event/id");
  ASSERT_FALSE(id.ok());
  EXPECT_EQ(id.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(id.error().message(), HasSubstr("events/sched/no_such_event/id"));
}

TEST(Tracefs, PathsStayBelowTheRoot) {
  const test::FakeTree tree({{"secret", "s"}, {"tracing/events/..x/id", "1"}});
  const auto tracefs = Tracefs::at(tree.root() + "/tracing");
  ASSERT_TRUE(tracefs.ok());
  for (const char* path : {"../secret", "events/../../secret", "/etc/passwd", "", "events/.."}) {
    const auto text = tracefs->read(path);
    ASSERT_FALSE(text.ok()) << path;
    EXPECT_EQ(text.error().code(), ErrorCode::kUsage) << path;
    EXPECT_FALSE(tracefs->list(path).ok()) << path;
  }
  EXPECT_TRUE(tracefs->read("events/..x/id").ok());  // a name with dots is no way up
}

TEST(Tracefs, OpensThatOfThisKernel) {
  if (::geteuid() != 0) GTEST_SKIP() << "tracefs is readable by root only";
  const auto tracefs = Tracefs::open();
  if (!tracefs.ok()) GTEST_SKIP() << tracefs.error().message();
  const auto format = tracefs->read("events/sched/sched_process_exec/format");
  ASSERT_TRUE(format.ok()) << format.error().message();
  EXPECT_THAT(*format, HasSubstr("name: sched_process_exec"));
}

}  // namespace
}  // namespace trigon::sys
