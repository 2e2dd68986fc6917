#include "sys/procfs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "sys/clock.h"
#include "tests/unit/sys/fake_tree.h"

namespace trigon::sys {
namespace {

std::string_view at(const ProcSnapshot& snapshot, const trigon_span& span) {
  return {reinterpret_cast<const char*>(snapshot.storage.data()) + span.off, span.len};
}

TEST(ProcFs, SnapshotOfAFakeProcess) {
  const test::FakeTree proc(
      {{"7/stat", "7 (a) b) S 5 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 250 99 1\n"},
       {"5/stat", "5 (sh) S 1 5 5 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 200 99 1\n"},
       {"7/status", "Name:\ta\nUid:\t1000\t0\t0\t0\nGid:\t5\t6\t7\t8\nNSpid:\t7\t3\nCapEff:\t000001ffffffffff\n"},
       {"7/cmdline", std::string("a\0b c\0", 6)},
       {"7/loginuid", "1000"},
       {"7/exe@", "/usr/bin/a"},
       {"7/cwd@", "/"},
       {"7/ns/uts@", "uts:[4026531838]"}});
  const auto snapshot = ProcFs(proc.root()).snapshot(7);
  ASSERT_TRUE(snapshot.ok()) << snapshot.error().message();
  const trigon_exec& record = snapshot->record();
  EXPECT_EQ(record.rec.kind, TRIGON_REC_SNAPSHOT);
  EXPECT_EQ(record.rec.pid, 7u);
  EXPECT_EQ(record.rec.start_ns, 250u * 10'000'000);
  EXPECT_EQ(record.task.parent_pid, 5u);
  EXPECT_EQ(record.task.parent_start_ns, 200u * 10'000'000);
  EXPECT_EQ(record.task.ns_pid, 3u);
  EXPECT_EQ(record.task.creds.uid, 1000u);
  EXPECT_EQ(record.task.creds.euid, 0u);
  EXPECT_EQ(record.task.creds.fsgid, 8u);
  EXPECT_EQ(record.task.creds.cap_effective, 0x1ffffffffffu);
  EXPECT_EQ(record.task.creds.loginuid, 1000u);
  EXPECT_EQ(record.task.creds.sessionid, 4294967295u);
  EXPECT_EQ(record.task.ns.uts, 4026531838u);
  EXPECT_EQ(at(*snapshot, record.exe.span), std::string_view("a\0bin\0usr\0", 10));
  EXPECT_EQ(at(*snapshot, record.filename), "a) b");
  EXPECT_TRUE(record.flags & TRIGON_EXEC_ROOT_CWD);
  EXPECT_EQ(snapshot->args, std::string("a\0b c\0", 6));
  EXPECT_FALSE(ProcFs(proc.root()).snapshot(8).ok());
}

TEST(ProcFs, ThisMachine) {
  const ProcFs proc;
  size_t self = 0;
  const auto count = proc.snapshot_all([&](const ProcSnapshot& snapshot) {
    if (snapshot.record().rec.pid == static_cast<uint32_t>(::getpid())) ++self;
  });
  ASSERT_TRUE(count.ok());
  EXPECT_GE(*count, 1u);
  EXPECT_EQ(self, 1u);
  EXPECT_NE(proc.namespaces(static_cast<uint32_t>(::getpid())).mnt, 0u);
}

TEST(BootClock, FollowsTheWallClock) {
  BootClock clock;
  clock.update();
  const uint64_t wall = clock.wall_ns(boot_now_ns());
  const auto now = static_cast<uint64_t>(::time(nullptr)) * 1'000'000'000;
  EXPECT_NEAR(static_cast<double>(wall), static_cast<double>(now), 2e9);
  EXPECT_EQ(BootClock(-5).wall_ns(15), 10u);
}

}  // namespace
}  // namespace trigon::sys
