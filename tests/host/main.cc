// The tests' own process: in a mount namespace of its own, so that what an agent under test keeps in /run is neither
// another agent's nor left behind.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (!GTEST_FLAG_GET(list_tests) && ::unshare(CLONE_NEWNS) == 0) {
    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    ::mkdir("/run/trigon", 0755);
    ::mount("trigon-test", "/run/trigon", "tmpfs", 0, "size=4m");
  }
  return RUN_ALL_TESTS();
}
