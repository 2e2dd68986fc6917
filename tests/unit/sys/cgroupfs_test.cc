#include "sys/cgroupfs.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/sys/fake_tree.h"

namespace trigon::sys {
namespace {

TEST(PickCgroupLine, UnifiedHybridAndV1) {
  EXPECT_EQ(pick_cgroup_line("0::/docker/x\n", 0), "/docker/x");
  EXPECT_EQ(pick_cgroup_line("2:cpu:/\n0::/\n", 0), "/");
  EXPECT_EQ(pick_cgroup_line("9:name=systemd:/a\n4:memory:/docker/x\n0::/\n", 0), "/docker/x");
  EXPECT_EQ(pick_cgroup_line("4:memory:/docker/x\n0::/system.slice/y.service\n", 0), "/system.slice/y.service");
  EXPECT_EQ(pick_cgroup_line("4:memory:/docker/x\n0::/y\n", 5), "/docker/x");
  EXPECT_EQ(pick_cgroup_line("", 0), "");
  EXPECT_EQ(pick_cgroup_line("garbage\n4:memory", 0), "");
}

TEST(CgroupFs, FallsBackToProcfs) {
  const test::FakeTree proc({{"self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"},
                             {"7/cgroup", "4:memory:/docker/x\n0::/\n"}});
  CgroupFs cgroups(proc.root());
  EXPECT_FALSE(cgroups.has_handles());
  EXPECT_EQ(cgroups.resolve(1, 0, 7), "/docker/x");
  EXPECT_EQ(cgroups.resolve(1, 0, 8), std::nullopt);
}

TEST(CgroupFs, FindsTheMountWithSpaces) {
  const test::FakeTree proc(
      {{"self/mountinfo",
        "30 20 0:26 /x /a rw - cgroup2 cgroup2 rw\n31 20 0:26 / /a\\040b rw shared:3 - cgroup2 none rw\n"}});
  EXPECT_EQ(CgroupFs(proc.root()).mount_point(), "/a b");
}

TEST(CgroupFs, ResolvesByHandleOnThisMachine) {
  CgroupFs cgroups;
  if (!cgroups.has_handles()) GTEST_SKIP() << "no cgroup2 mount";
  struct stat st {};
  ASSERT_EQ(::stat(cgroups.mount_point().c_str(), &st), 0);
  const auto path = cgroups.resolve(st.st_ino, 0, 0);
  if (!path && ::geteuid() != 0) GTEST_SKIP() << "needs CAP_DAC_READ_SEARCH";
  EXPECT_EQ(path, "/");
  for (const auto& entry : std::filesystem::directory_iterator(cgroups.mount_point())) {
    if (!entry.is_directory()) continue;
    ASSERT_EQ(::stat(entry.path().c_str(), &st), 0);
    EXPECT_EQ(cgroups.resolve(st.st_ino, 0, 0), "/" + entry.path().filename().string());
    break;
  }
}

TEST(CgroupTable, KnowsWhatRecordsTold) {
  CgroupTable table;
  table.created(42, 0, "/short");
  table.created(42, 3, "/of another hierarchy");
  EXPECT_EQ(table.resolve(42, 0, 0), "/short");
  table.removed(42, 0);
  EXPECT_EQ(table.resolve(42, 0, 0), "/short");
  EXPECT_EQ(table.resolve(42, 5, 0), std::nullopt);
  for (uint64_t id = 100; id < 1200; ++id) {
    table.created(id, 0, "/x");
    table.removed(id, 0);
  }
  EXPECT_EQ(table.resolve(42, 0, 0), std::nullopt);
}

TEST(CgroupTable, IsBounded) {
  CgroupTable table(nullptr, 10);
  for (uint64_t id = 1; id < 100; ++id) table.created(id, 0, "/x");
  EXPECT_LE(table.size(), 10u);
  EXPECT_TRUE(table.resolve(99, 0, 0));
}

}  // namespace
}  // namespace trigon::sys
