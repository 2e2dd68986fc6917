// trigon doctor: what this kernel offers, what Trigon uses for each purpose and why not better.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bpf/features.h"
#include "bpf/purposes.h"
#include "sys/kernel.h"

namespace CLI {
class App;
}

namespace trigon::cli {

void add_doctor(CLI::App& app, int& exit_code);

// Everything that was found out, before it becomes text.
struct DoctorReport {
  struct FileSystem {
    std::string type;
    std::string point;  // empty: not mounted
    std::string note;   // whether Trigon needs it
  };
  struct FeatureLine {
    const bpf::FeatureInfo* info;
    bpf::FeatureStatus status;
  };

  bpf::Support can_run = bpf::Support::kUnknown;
  std::string reason;  // why it cannot run, or why nobody knows
  std::string release;
  std::string architecture;
  std::string lockdown;
  std::vector<std::string> security_modules;
  std::string config;  // where the build options are published; empty: nowhere
  std::vector<FileSystem> file_systems;
  bool memlock_counts = false;  // maps are charged to RLIMIT_MEMLOCK
  uint64_t memlock_limit = 0;
  uint32_t uid = 0;
  std::vector<std::string> missing_capabilities;
  bool initial_user_namespace = true;
  std::vector<std::string> others;  // other running trigons
  std::vector<bpf::Choice> choices;
  std::vector<FeatureLine> features;
};

DoctorReport examine(bpf::Features& features, const sys::Kernel& kernel);

// 0: the agent can run; 4: this kernel cannot; 1: not known for want of privileges.
int exit_code_of(const DoctorReport& report);

std::string to_text(const DoctorReport& report, bool color);
std::string to_json(const DoctorReport& report);

}  // namespace trigon::cli
