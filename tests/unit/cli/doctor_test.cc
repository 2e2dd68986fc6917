#include "cli/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <nlohmann/json.hpp>

namespace trigon::cli {
namespace {

using bpf::Feature;
using bpf::Features;
using bpf::FeatureSet;
using ::testing::HasSubstr;
using ::testing::Not;

DoctorReport report_of(const FeatureSet& set) {
  Features features(set);
  return examine(features, sys::Kernel("/nowhere"));
}

FeatureSet locked_down() {
  FeatureSet set = FeatureSet::all();
  const std::string why = "this kernel refuses BPF trampolines (loading the program: EPERM)";
  for (const Feature feature : {Feature::kFentry, Feature::kFexit, Feature::kFmodRet, Feature::kLsm}) {
    set.remove(feature, why, EPERM);
  }
  set.remove(Feature::kKprobeMulti, "this kernel is built without CONFIG_FPROBE");
  return set.remove(Feature::kKprobe, "this kernel is built without CONFIG_KPROBES");
}

TEST(Doctor, RunsWhereAllIsThere) {
  const DoctorReport report = report_of(FeatureSet::all());
  EXPECT_EQ(exit_code_of(report), 0);
  EXPECT_THAT(to_text(report, false), HasSubstr("Trigon can run on this kernel."));
}

TEST(Doctor, KernelThatCannotNamesTheOption) {
  const DoctorReport report =
      report_of(FeatureSet::all().remove(Feature::kBtf, "this kernel is built without CONFIG_DEBUG_INFO_BTF"));
  EXPECT_EQ(exit_code_of(report), 4);
  EXPECT_THAT(to_text(report, false), HasSubstr("Trigon cannot run on this kernel"));
  EXPECT_THAT(to_text(report, false), HasSubstr("CONFIG_DEBUG_INFO_BTF"));
}

TEST(Doctor, WithoutPrivilegesNothingIsClaimed) {
  const DoctorReport report = report_of(FeatureSet::all().remove(
      Feature::kBpfSyscall, "this process lacks CAP_BPF and CAP_PERFMON", EPERM, bpf::Support::kUnknown));
  EXPECT_EQ(exit_code_of(report), 1);
  EXPECT_THAT(to_text(report, false), HasSubstr("Whether Trigon can run is not known"));
  EXPECT_THAT(to_text(report, false), HasSubstr("CAP_BPF and CAP_PERFMON"));
}

TEST(Doctor, SaysWhyNotBetter) {
  const std::string text = to_text(report_of(locked_down()), false);
  EXPECT_THAT(text, HasSubstr("not fentry: this kernel refuses BPF trampolines"));
  EXPECT_THAT(text, HasSubstr("not kprobe: this kernel is built without CONFIG_KPROBES"));
  EXPECT_THAT(text, HasSubstr("this kernel has uprobe-multi: not yet used by this version of Trigon"));
}

TEST(Doctor, ColorOnlyWhenAsked) {
  const DoctorReport report = report_of(locked_down());
  EXPECT_THAT(to_text(report, false), Not(HasSubstr("\033[")));
  EXPECT_THAT(to_text(report, true), HasSubstr("\033[32m"));
}

TEST(Doctor, LinesFit) {
  std::istringstream lines(to_text(report_of(locked_down()), false));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 112U) << line;
}

TEST(Doctor, JsonHasEverything) {
  const auto json = nlohmann::json::parse(to_json(report_of(locked_down())));
  EXPECT_EQ(json["can_run"], "yes");
  EXPECT_EQ(json["features"].size(), bpf::kFeatureCount);
  EXPECT_EQ(json["purposes"].size(), bpf::purposes().size());
  for (const auto& feature : json["features"]) {
    if (feature["name"] != "fentry") continue;
    EXPECT_EQ(feature["supported"], "no");
    EXPECT_EQ(feature["error"], "EPERM");
    EXPECT_THAT(feature["why"].get<std::string>(), HasSubstr("refuses BPF trampolines"));
  }
  for (const auto& purpose : json["purposes"]) {
    if (purpose["name"] != "kernel_functions") continue;
    EXPECT_EQ(purpose["uses"], "");
    EXPECT_EQ(purpose["passed_over"].size(), 3U);
    EXPECT_EQ(purpose["passed_over"][0]["available"], false);
    EXPECT_EQ(purpose["passed_over"][1]["available"], false);
  }
}

TEST(Doctor, HelpHasExamples) {
  CLI::App app;
  int exit_code = 0;
  add_doctor(app, exit_code);
  EXPECT_THAT(app.get_subcommand("doctor")->help(), HasSubstr("trigon doctor -o json"));
}

}  // namespace
}  // namespace trigon::cli
