#include "sys/kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <fstream>

namespace trigon::sys {
namespace {

using ::testing::ElementsAre;

TEST(KernelVersion, Parses) {
  EXPECT_EQ(parse_kernel_version("6.1.0-44-cloud-amd64"), (KernelVersion{6, 1, 0}));
  EXPECT_EQ(parse_kernel_version("7.2.13+deb14-cloud-amd64"), (KernelVersion{7, 2, 13}));
  EXPECT_EQ(parse_kernel_version("5.10"), (KernelVersion{5, 10, 0}));
  EXPECT_EQ(parse_kernel_version("7.0-rc3"), (KernelVersion{7, 0, 0}));
  EXPECT_EQ(parse_kernel_version(""), (KernelVersion{0, 0, 0}));
  EXPECT_LT(parse_kernel_version("5.9.16"), parse_kernel_version("5.10.0"));
}

TEST(Lockdown, Parses) {
  EXPECT_EQ(parse_lockdown("[none] integrity confidentiality\n"), Lockdown::kNone);
  EXPECT_EQ(parse_lockdown("none [integrity] confidentiality\n"), Lockdown::kIntegrity);
  EXPECT_EQ(parse_lockdown("none integrity [confidentiality]\n"), Lockdown::kConfidentiality);
  EXPECT_EQ(parse_lockdown(""), Lockdown::kUnknown);
}

TEST(KernelConfig, KnowsOnModuleAndOff) {
  const auto config = KernelConfig::parse("CONFIG_BPF=y\nCONFIG_NET_CLS_BPF=m\n# CONFIG_KPROBES is not set\n", "here");
  EXPECT_TRUE(config.known());
  EXPECT_EQ(config.value("CONFIG_NET_CLS_BPF"), "m");
  EXPECT_TRUE(config.has("CONFIG_BPF"));
  EXPECT_FALSE(config.has("CONFIG_KPROBES"));
  EXPECT_FALSE(KernelConfig().known());
}

TEST(Mounts, Parses) {
  const auto mounts = parse_mounts(
      "38 31 0:31 / /sys/fs/cgroup/my\\040cpu rw,relatime shared:5 master:1 - cgroup cgroup rw,cpu\n"
      "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
      "not a mount\n");
  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(mounts[0].type, "cgroup");
  EXPECT_EQ(mounts[0].point, "/sys/fs/cgroup/my cpu");
  EXPECT_EQ(mounts[0].options, "rw,cpu");
  EXPECT_EQ(mounts[1].point, "/sys/fs/cgroup/unified");
}

class KernelTree : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = ::testing::TempDir() + "kernel_" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
    put("/proc/sys/kernel/osrelease", "5.10.0-made-up\n");
  }
  void put(const std::string& file, std::string_view text) const {
    const std::string path = root_ + file;
    ASSERT_EQ(std::system(("mkdir -p '" + path.substr(0, path.rfind('/')) + "'").c_str()), 0);
    std::ofstream(path) << text;
  }
  std::string root_;
};

TEST_F(KernelTree, ReadsReleaseSecurityAndPrivileges) {
  put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  put("/sys/kernel/security/lsm", "lockdown,capability,bpf\n");
  put("/proc/self/status", "Name:\tx\nCapEff:\t0000008000000000\nSeccomp:\t2\n");
  const Kernel kernel(root_);
  EXPECT_EQ(kernel.release(), "5.10.0-made-up");
  EXPECT_EQ(kernel.lockdown(), Lockdown::kIntegrity);
  EXPECT_THAT(kernel.security_modules(), ElementsAre("lockdown", "capability", "bpf"));
  EXPECT_TRUE(kernel.privileges().has(39));
  EXPECT_FALSE(kernel.privileges().has(38));
  EXPECT_TRUE(kernel.privileges().filtered);
}

TEST_F(KernelTree, NothingThereIsUnknown) {
  const Kernel kernel(root_);
  EXPECT_EQ(kernel.lockdown(), Lockdown::kUnknown);
  EXPECT_TRUE(kernel.security_modules().empty());
  EXPECT_FALSE(kernel.config().known());
  EXPECT_EQ(kernel.mount_of("bpf"), nullptr);
}

TEST_F(KernelTree, ReadsPackedConfig) {
  const std::string path = root_ + "/proc/config.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  gzputs(file, "CONFIG_BPF_SYSCALL=y\n");
  gzclose(file);
  put("/boot/config-5.10.0-made-up", "CONFIG_KPROBES=y\n");
  const Kernel kernel(root_);
  EXPECT_EQ(kernel.config().source(), "/proc/config.gz");
  EXPECT_TRUE(kernel.config().has("CONFIG_BPF_SYSCALL"));
  EXPECT_FALSE(kernel.config().has("CONFIG_KPROBES"));
}

TEST_F(KernelTree, FindsOthersByName) {
  put("/proc/812/cmdline", std::string_view("/usr/bin/trigon\0agent\0", 22));
  put("/proc/813/cmdline", std::string_view("vi\0trigon\0", 10));
  put("/proc/814/cmdline", "");
  EXPECT_THAT(Kernel(root_).others_named("trigon"), ElementsAre("812 /usr/bin/trigon agent"));
}

}  // namespace
}  // namespace trigon::sys
