#include "symbols/mount_types.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

namespace trigon::symbols {
namespace {

constexpr const char* kText =
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 21 0:40 / /home/user/my\\040mount rw,nosuid - fuse.sshfs host: rw\n"
    "31 21 0:41 / /mnt/share rw - nfs4 server:/ rw\n"
    "32 21 0:42 / /var/lib/c/merged rw - overlay overlay rw,lowerdir=/a\n"
    "33 21 0:43 / /tmp rw shared:2 master:3 - tmpfs tmpfs rw\n"
    "bad line\n"
    "34 21 x:1 / /bad rw - ext4 x rw\n";

TEST(MountTypes, ByMountAndDevice) {
  const auto types = MountTypes::parse(kText);
  EXPECT_EQ(types.of_mount(21), MountKind::kLocal);
  EXPECT_EQ(types.of_mount(30), MountKind::kServed);
  EXPECT_EQ(types.of_mount(31), MountKind::kServed);
  EXPECT_EQ(types.of_mount(32), MountKind::kStacked);
  EXPECT_EQ(types.of_mount(33), MountKind::kLocal);
  EXPECT_EQ(types.of_mount(34), MountKind::kUnknown);
  EXPECT_EQ(types.of_device(makedev(0, 40)), MountKind::kServed);
  EXPECT_EQ(types.of_device(makedev(8, 1)), MountKind::kLocal);
  EXPECT_EQ(types.of_device(makedev(8, 2)), MountKind::kUnknown);
  EXPECT_TRUE(MountTypes::parse("").empty());
}

TEST(MountTypes, PathsThroughServedOnes) {
  const auto types = MountTypes::parse(kText);
  EXPECT_TRUE(types.crosses_served("/home/user/my mount/bin/x"));
  EXPECT_TRUE(types.crosses_served("/mnt/share"));
  EXPECT_FALSE(types.crosses_served("/mnt/shared/x"));
  EXPECT_FALSE(types.crosses_served("/tmp/perf-1.map"));
  EXPECT_TRUE(MountTypes::parse("1 0 0:3 / / rw - fuse x rw\n").crosses_served("/tmp/x"));
}

TEST(MountTypes, Kinds) {
  EXPECT_EQ(MountTypes::kind_of("fuse"), MountKind::kServed);
  EXPECT_EQ(MountTypes::kind_of("fuseblk"), MountKind::kServed);
  EXPECT_EQ(MountTypes::kind_of("fusectl"), MountKind::kLocal);  // the kernel's own
  EXPECT_EQ(MountTypes::kind_of("cifs"), MountKind::kServed);
  EXPECT_EQ(MountTypes::kind_of("btrfs"), MountKind::kLocal);
}

}  // namespace
}  // namespace trigon::symbols
