#include "bpf/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "bpf/probes.h"
#include "bpf/probes_run.h"
#include "bpf/purposes.h"

namespace trigon::bpf {
namespace {

using ::testing::HasSubstr;

class CountingProber : public FeatureProber {
 public:
  explicit CountingProber(int* calls) : calls_(calls) {}
  FeatureStatus probe(Feature) override {
    ++*calls_;
    return {Support::kYes, 0, {}, {}};
  }

 private:
  int* calls_;
};

const Purpose& purpose_named(std::string_view name) {
  for (const Purpose& purpose : purposes()) {
    if (purpose.name == name) return purpose;
  }
  ADD_FAILURE() << "no purpose " << name;
  return purposes().front();
}

TEST(Features, ProbesOnlyWhatIsAskedAndOnlyOnce) {
  int calls = 0;
  Features features(std::make_unique<CountingProber>(&calls));
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(features.has(Feature::kTaskStorage));
  EXPECT_TRUE(features.has(Feature::kTaskStorage));
  EXPECT_EQ(features.why_not(Feature::kTaskStorage), "");
  EXPECT_EQ(calls, 1);
}

TEST(Features, NamesAreUniqueAndFound) {
  for (size_t i = 0; i < kFeatureCount; i++) {
    const auto feature = static_cast<Feature>(i);
    EXPECT_EQ(feature_by_name(feature_info(feature).name), feature);
  }
  EXPECT_EQ(feature_by_name("no_such"), std::nullopt);
}

TEST(Features, RequireTellsCannotFromMayNot) {
  FeatureSet set = FeatureSet::all();
  set.remove(Feature::kBtf, "this kernel is built without CONFIG_DEBUG_INFO_BTF");
  set.remove(Feature::kRingBuffer, "this process lacks CAP_BPF", EPERM, Support::kUnknown);
  Features features(set);
  EXPECT_TRUE(features.require(Feature::kTaskStorage).ok());
  EXPECT_EQ(features.require(Feature::kBtf).error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(features.require(Feature::kBtf).error().message(), HasSubstr("CONFIG_DEBUG_INFO_BTF"));
  EXPECT_EQ(features.require(Feature::kRingBuffer).error().code(), ErrorCode::kPermission);
}

TEST(Purposes, BestThatTheKernelHasAndTrigonCarries) {
  Features features(FeatureSet::all());
  for (const Purpose& purpose : purposes()) {
    const Choice choice = choose(purpose, features);
    if (purpose.required) {
      ASSERT_NE(choice.chosen, nullptr) << purpose.name;
    }
    for (const PassedOver& passed : choice.passed_over) {
      EXPECT_TRUE(passed.available) << passed.candidate->name;
      EXPECT_FALSE(passed.candidate->carried) << passed.candidate->name;
    }
  }
  EXPECT_STREQ(choose(purpose_named("process_state"), features).chosen->name, "task storage");
}

TEST(Purposes, SaysWhyNotBetter) {
  Features features(FeatureSet::all().remove(Feature::kTaskStorage, "it came with Linux 5.12"));
  const Choice choice = choose(purpose_named("process_state"), features);
  EXPECT_STREQ(choice.chosen->name, "hash map by pid");
  ASSERT_EQ(choice.passed_over.size(), 1U);
  EXPECT_FALSE(choice.passed_over[0].available);
  EXPECT_EQ(choice.passed_over[0].why, "it came with Linux 5.12");
}

TEST(Purposes, SecondNeedIsNamed) {
  Features features(FeatureSet::all().remove(Feature::kLsm, "not chosen").remove(Feature::kDPath, "too old"));
  const Choice choice = choose(purpose_named("deny_file"), features);
  ASSERT_GE(choice.passed_over.size(), 2U);
  EXPECT_THAT(choice.passed_over[1].why, HasSubstr("bpf_d_path"));
}

TEST(Purposes, RequiredInOneSentence) {
  Features all(FeatureSet::all());
  EXPECT_TRUE(check_required(all).ok());
  Features without(FeatureSet::all().remove(Feature::kBtf, "this kernel is built without CONFIG_DEBUG_INFO_BTF"));
  const auto result = check_required(without);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(result.error().message(),
            "kernel type information (BTF): this kernel is built without CONFIG_DEBUG_INFO_BTF");
}

// A made-up machine for explain().
class Explain : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = ::testing::TempDir() + "explain_" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
    put("/proc/sys/kernel/osrelease", "6.12.0-made-up\n");
    put("/proc/self/status", "CapEff:\t000001ffffffffff\nSeccomp:\t0\n");
    put("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
    put("/sys/kernel/security/lsm", "lockdown,capability,bpf\n");
  }
  void put(const std::string& file, const std::string& text) const {
    const std::string path = root_ + file;
    ASSERT_EQ(std::system(("mkdir -p " + path.substr(0, path.rfind('/'))).c_str()), 0);
    std::ofstream(path) << text;
  }
  FeatureStatus explained(Feature feature, const Outcome& outcome) const {
    return explain(feature, outcome, sys::Kernel(root_));
  }
  std::string root_;
};

TEST_F(Explain, Supported) {
  const FeatureStatus status = explained(Feature::kLandlock, Outcome::yes("ABI 7"));
  EXPECT_EQ(status.support, Support::kYes);
  EXPECT_EQ(status.why, "");
  EXPECT_EQ(status.detail, "ABI 7");
}

TEST_F(Explain, OptionIsOff) {
  put("/boot/config-6.12.0-made-up", "CONFIG_BPF_SYSCALL=y\n# CONFIG_KPROBES is not set\n");
  EXPECT_EQ(explained(Feature::kKprobe, Outcome::no(0, "kprobe is missing")).why,
            "this kernel is built without CONFIG_KPROBES (kprobe is missing)");
}

TEST_F(Explain, OptionIsNotPublished) {
  EXPECT_EQ(explained(Feature::kKprobeMulti, Outcome::no(EOPNOTSUPP, "attaching")).why,
            "attaching: EOPNOTSUPP; it needs CONFIG_FPROBE, and this kernel does not publish its options");
}

TEST_F(Explain, NoSystemCallNamesItsOption) {
  EXPECT_EQ(explained(Feature::kBpfSyscall, Outcome::no(ENOSYS, "creating a map")).why,
            "this kernel is built without CONFIG_BPF_SYSCALL (creating a map: ENOSYS)");
}

TEST_F(Explain, NoBtfNamesItsOption) {
  EXPECT_EQ(explained(Feature::kBtf, Outcome::no(ENOENT, "opening /sys/kernel/btf/vmlinux")).why,
            "this kernel is built without CONFIG_DEBUG_INFO_BTF (opening /sys/kernel/btf/vmlinux: ENOENT)");
}

TEST_F(Explain, NoBtfWhereItIsBuiltInIsNotBlamedOnTheOption) {
  put("/boot/config-6.12.0-made-up", "CONFIG_BPF_SYSCALL=y\nCONFIG_DEBUG_INFO_BTF=y\n");
  EXPECT_EQ(explained(Feature::kBtf, Outcome::no(ENOENT, "opening /sys/kernel/btf/vmlinux")).why,
            "opening /sys/kernel/btf/vmlinux: ENOENT");
}

TEST_F(Explain, KernelIsTooOld) {
  put("/proc/sys/kernel/osrelease", "5.10.0-32\n");
  EXPECT_EQ(explained(Feature::kTaskStorage, Outcome::no(EINVAL, "creating a map")).why,
            "it came with Linux 5.12; this is 5.10.0-32 (creating a map: EINVAL)");
}

TEST_F(Explain, LockdownRefusesTrampolines) {
  put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  Outcome outcome = Outcome::no(EPERM, "loading the program");
  EXPECT_EQ(explained(Feature::kFentry, outcome).why, "loading the program: EPERM");
  outcome.trampoline = true;
  const FeatureStatus status = explained(Feature::kFentry, outcome);
  EXPECT_EQ(status.support, Support::kNo);
  EXPECT_EQ(status.error, EPERM);
  EXPECT_EQ(status.why,
            "this kernel refuses BPF trampolines (loading the program: EPERM) to a process with all privileges; "
            "its lockdown mode is integrity");
}

TEST_F(Explain, BpfLeftOutOfTheSecurityModules) {
  put("/sys/kernel/security/lsm", "lockdown,capability\n");
  EXPECT_EQ(
      explained(Feature::kLsm, Outcome::no(0, "the program was attached but did not run")).why,
      "\"bpf\" is not among the security modules chosen at boot (lsm=) (the program was attached but did not run)");
}

TEST_F(Explain, MissingPrivilegeIsNotTheKernelsFault) {
  put("/proc/self/status", "CapEff:\t0000000000000000\n");
  const FeatureStatus status = explained(Feature::kRingBuffer, Outcome::no(EPERM, "creating a map"));
  EXPECT_EQ(status.support, Support::kUnknown);
  EXPECT_EQ(status.why, "this process lacks CAP_BPF and CAP_PERFMON");
}

// docs/reference/kernel-support.md is generated: TRIGON_UPDATE=1 writes it, otherwise it must be what it would be.
std::string generated_tables() {
  std::ostringstream out;
  out << "## Purposes\n\nMeans in order of preference; the first that the kernel has and Trigon uses is taken.\n\n"
      << "| purpose | means | needs | used by this version |\n|---|---|---|---|\n";
  for (const Purpose& purpose : purposes()) {
    bool first = true;
    for (const Candidate& candidate : purpose.candidates) {
      out << "| " << (first ? purpose.title : "") << (first && purpose.required ? " (required)" : "") << " | "
          << candidate.name << " | ";
      first = false;
      std::string needs;
      for (const Feature need : candidate.needs) {
        if (need != Feature::kCount)
          needs += (needs.empty() ? "`" : ", `") + std::string(feature_info(need).name) + "`";
      }
      out << needs << " | " << (candidate.carried ? "yes" : "not yet") << " |\n";
    }
  }
  out << "\n## Features\n\nWhat is tried, the first Linux that has it as it is tried, and the build options it needs "
         "beyond\n`CONFIG_BPF_SYSCALL`.\n\n| name | feature | since | options |\n|---|---|---|---|\n";
  for (size_t i = 0; i < kFeatureCount; i++) {
    const FeatureInfo& info = feature_info(static_cast<Feature>(i));
    out << "| `" << info.name << "` | " << info.title << " | " << info.since_major << "." << info.since_minor << " | ";
    for (const char* option : info.options) {
      if (option != nullptr) out << (option == info.options[0] ? "" : ", ") << option;
    }
    out << " |\n";
  }
  return out.str();
}

TEST(Purposes, DocumentationIsGeneratedFromTheTables) {
  const std::string path = std::string(TRIGON_SOURCE_DIR) + "/docs/reference/kernel-support.md";
  constexpr std::string_view kBegin = "<!-- generated: begin -->\n";
  constexpr std::string_view kEnd = "<!-- generated: end -->\n";
  std::ostringstream read;
  read << std::ifstream(path).rdbuf();
  const std::string text = read.str();
  const size_t begin = text.find(kBegin);
  const size_t end = text.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::string expected = text.substr(0, begin + kBegin.size()) + generated_tables() + text.substr(end);
  if (std::getenv("TRIGON_UPDATE") != nullptr) {
    std::ofstream(path) << expected;
    return;
  }
  EXPECT_TRUE(text == expected) << path << " is not what the tables say: run unit_bpf with TRIGON_UPDATE=1";
}

}  // namespace
}  // namespace trigon::bpf
