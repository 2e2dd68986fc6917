// The report for reading.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "cli/doctor.h"

namespace trigon::cli {
namespace {

using bpf::Support;

constexpr size_t kWidth = 110;
constexpr size_t kLabelWidth = 34;

struct Paint {
  bool color;
  std::string operator()(const char* code, std::string_view text) const {
    return color ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string(text);
  }
  std::string good(std::string_view text) const { return (*this)("32", text); }
  std::string bad(std::string_view text) const { return (*this)("31", text); }
  std::string dim(std::string_view text) const { return (*this)("2", text); }
  std::string heading(std::string_view text) const { return (*this)("1", text); }
};

// Breaks text at blanks so that lines end before kWidth; following lines start with `indent` blanks.
std::string wrap(std::string_view text, size_t indent, size_t column) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (column + 1 + end > kWidth && column > indent) {
      out.append("\n").append(indent, ' ');
      column = indent;
    } else if (!out.empty()) {
      out += ' ';
      column++;
    }
    out += text.substr(0, end);
    column += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string line(std::string_view label, std::string_view text) {
  return fmt::format("  {:<{}}{}\n", label, kLabelWidth, wrap(text, kLabelWidth + 2, kLabelWidth + 2));
}

std::string join(const std::vector<std::string>& words, std::string_view none) {
  return words.empty() ? std::string(none) : fmt::format("{}", fmt::join(words, ", "));
}

std::string verdict(const DoctorReport& report, const Paint& paint) {
  switch (report.can_run) {
    case Support::kYes:
      return paint.good("Trigon can run on this kernel.") + "\n";
    case Support::kNo:
      return paint.bad(wrap(fmt::format("Trigon cannot run on this kernel: {}.", report.reason), 0, 0)) + "\n";
    case Support::kUnknown:
      break;
  }
  return paint.bad(wrap(
             fmt::format("Whether Trigon can run is not known: {}. Run this as root of the machine.", report.reason), 0,
             0)) +
         "\n";
}

std::string privileges(const DoctorReport& report) {
  std::string text = report.uid == 0 ? "root" : fmt::format("user {}", report.uid);
  if (!report.initial_user_namespace) text += " of a user namespace, which may not use BPF";
  if (!report.missing_capabilities.empty()) {
    text += fmt::format(", without {}", fmt::join(report.missing_capabilities, ", "));
  }
  return text;
}

std::string memory(const DoctorReport& report) {
  if (!report.memlock_counts) return "charged to the control group; RLIMIT_MEMLOCK does not matter";
  return fmt::format(
      "charged to RLIMIT_MEMLOCK ({}), as before Linux 5.11; the agent raises it at start",
      report.memlock_limit == ~uint64_t{0} ? "unlimited" : fmt::format("{} KiB", report.memlock_limit / 1024));
}

std::string kernel_part(const DoctorReport& report, const Paint& paint) {
  std::string out = paint.heading("Kernel") + "\n";
  out += line("release", fmt::format("{} ({})", report.release, report.architecture));
  out += line("lockdown", report.lockdown);
  out += line("security modules", join(report.security_modules, "unknown (securityfs cannot be read)"));
  out += line("build options", report.config.empty() ? "not published" : report.config);
  for (const auto& system : report.file_systems) {
    out += line(system.type == "bpf"      ? "bpffs"
                : system.type == "cgroup" ? "cgroup v1"
                                          : system.type,
                fmt::format("{} ({})", system.point.empty() ? "not mounted" : system.point, system.note));
  }
  out += line("memory of maps", memory(report));
  out += line("this process", privileges(report));
  out += line("other Trigons", join(report.others, "none runs"));
  return out;
}

std::string purpose_part(const DoctorReport& report, const Paint& paint) {
  constexpr size_t kIndent = kLabelWidth + 4;
  std::string out = paint.heading("What Trigon uses, and why not better") + "\n";
  const auto add = [&](const std::string& text) {
    out.append(kIndent, ' ').append(paint.dim(wrap(text, kIndent + 2, kIndent))) += '\n';
  };
  for (const bpf::Choice& choice : report.choices) {
    out += fmt::format("  {:<{}}", choice.purpose->title, kLabelWidth);
    std::vector<std::string> unused;
    for (const bpf::PassedOver& passed : choice.passed_over) {
      if (passed.available) unused.emplace_back(passed.candidate->name);
    }
    if (choice.chosen != nullptr) {
      out += paint.good(choice.chosen->name) + "\n";
    } else {
      out += paint(unused.empty() ? "31" : "33", "nothing") + "\n";
    }
    if (!unused.empty()) {
      add(fmt::format("this kernel has {}: not yet used by this version of Trigon", fmt::join(unused, ", ")));
    }
    for (const bpf::PassedOver& passed : choice.passed_over) {
      if (!passed.available) add(fmt::format("not {}: {}", passed.candidate->name, passed.why));
    }
  }
  return out;
}

std::string feature_part(const DoctorReport& report, const Paint& paint) {
  std::string out = paint.heading("What this kernel offers") + "\n";
  std::string_view group;
  for (const auto& [info, status] : report.features) {
    if (group != info->group) {
      group = info->group;
      out += fmt::format("  {}\n", paint.heading(group));
    }
    const std::string label = fmt::format("    {:<{}}", info->title, kLabelWidth + 2);
    if (status.support == Support::kYes) {
      out += label + paint.good("yes") + (status.detail.empty() ? "" : ", " + status.detail) + "\n";
      continue;
    }
    const size_t column = kLabelWidth + 6;
    const char* word = status.support == Support::kNo ? "no" : "unknown";
    out += label + paint.bad(word) + wrap(": " + status.why, column, column) + "\n";
  }
  return out;
}

}  // namespace

std::string to_text(const DoctorReport& report, bool color) {
  const Paint paint{color};
  return fmt::format("{}\n{}\n{}\n{}", verdict(report, paint), kernel_part(report, paint), purpose_part(report, paint),
                     feature_part(report, paint));
}

}  // namespace trigon::cli
