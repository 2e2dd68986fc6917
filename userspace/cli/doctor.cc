#include "cli/doctor.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>

#include "cli/exit_code.h"
#include "cli/sensor_flags.h"

namespace trigon::cli {
namespace {

using bpf::Support;

// Progress is worth a line when somebody waits for longer.
constexpr std::chrono::seconds kPatience{2};
// Since then the memory of maps is charged to the control group (the series that ends with d5299b67dd59).
constexpr sys::KernelVersion kChargedToCgroup{5, 11, 0};

struct Capability {
  unsigned bit;
  const char* name;
};
// What the agent starts with; what it keeps is in daemon/privileges.h.
constexpr Capability kNeeded[] = {{CAP_BPF, "CAP_BPF"},
                                  {CAP_PERFMON, "CAP_PERFMON"},
                                  {CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},
                                  {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"},
                                  {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
                                  {CAP_NET_ADMIN, "CAP_NET_ADMIN"}};

std::vector<DoctorReport::FileSystem> file_systems(const sys::Kernel& kernel) {
  struct Known {
    const char* type;
    const char* note;
  };
  constexpr Known kKnown[] = {
      {"bpf", "not needed: nothing is pinned"},
      {"tracefs", "not needed: typed tracepoints have no number"},
      {"cgroup2", "not needed; gives short-lived processes their control group's path"},
      {"cgroup", "version 1; not needed; its path is reported where a process is in version 2's root"},
      {"securityfs", "not needed"},
  };
  std::vector<DoctorReport::FileSystem> found;
  for (const Known& known : kKnown) {
    std::string points;
    for (const sys::Mount& mount : kernel.mounts()) {
      if (mount.type != known.type) continue;
      // One line for all hierarchies of version 1.
      points += (points.empty() ? "" : " ") + mount.point;
      if (mount.type != std::string_view("cgroup")) break;
    }
    found.push_back({known.type, std::move(points), known.note});
  }
  return found;
}

int run(const std::string& format) {
  const sys::Kernel kernel;
  const DoctorReport report = examine(bpf::Features::of_this_kernel(), kernel);
  fmt::print("{}", format == "json" ? to_json(report) : to_text(report, color_wanted()));
  return exit_code_of(report);
}

}  // namespace

DoctorReport examine(bpf::Features& features, const sys::Kernel& kernel) {
  DoctorReport report;
  rlimit limit = {};  // first, since libbpf raises it when it has to
  getrlimit(RLIMIT_MEMLOCK, &limit);
  report.memlock_limit = limit.rlim_cur;
  const auto required = bpf::check_required(features);
  if (required) {
    report.can_run = Support::kYes;
  } else {
    report.can_run = required.error().code() == ErrorCode::kPermission ? Support::kUnknown : Support::kNo;
    report.reason = required.error().message();
  }
  report.release = kernel.release();
  report.architecture = kernel.architecture();
  report.lockdown = lockdown_name(kernel.lockdown());
  report.security_modules = kernel.security_modules();
  report.config = kernel.config().source();
  report.file_systems = file_systems(kernel);
  report.memlock_counts = kernel.version() < kChargedToCgroup;
  report.uid = geteuid();
  for (const auto& [bit, name] : kNeeded) {
    if (!kernel.privileges().has(bit)) report.missing_capabilities.emplace_back(name);
  }
  report.initial_user_namespace = kernel.privileges().initial_user_namespace;
  report.others = kernel.others_named("trigon");

  const auto start = std::chrono::steady_clock::now();
  bool told = false;
  for (size_t i = 0; i < bpf::kFeatureCount; i++) {
    const auto feature = static_cast<bpf::Feature>(i);
    report.features.push_back({&bpf::feature_info(feature), features.status(feature)});
    if (!told && std::chrono::steady_clock::now() - start > kPatience) {
      told = true;
      fmt::print(stderr, "trigon: trying out what this kernel can do ({} of {})\n", i + 1, bpf::kFeatureCount);
    }
  }
  for (const bpf::Purpose& purpose : bpf::purposes()) report.choices.push_back(choose(purpose, features));
  return report;
}

int exit_code_of(const DoctorReport& report) {
  if (report.can_run == Support::kYes) return kExitOk;
  return report.can_run == Support::kNo ? kExitUnsupported : kExitFailed;
}

void add_doctor(CLI::App& app, int& exit_code) {
  auto output = std::make_shared<std::string>("text");
  CLI::App* verb = app.add_subcommand("doctor", "What this kernel offers and what Trigon uses of it");
  verb->add_option("-o,--output", *output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  verb->footer(
      "Loads and attaches small programs for an instant to find out what works, and leaves nothing behind. Needs root; "
      "without, it says which privileges are missing and tries the rest.\n\n"
      "Examples:\n"
      "  trigon doctor                                        all of it, for reading\n"
      "  trigon doctor -o json | jq .can_run                  for scripts\n"
      "  trigon doctor -o json | jq '.features[] | select(.supported == \"no\") | .name'\n\n"
      "Exit codes: 0 the agent can run, 1 not known (privileges are missing), 2 usage, 4 this kernel cannot.");
  verb->callback([output, &exit_code] { exit_code = run(*output); });
}

}  // namespace trigon::cli
