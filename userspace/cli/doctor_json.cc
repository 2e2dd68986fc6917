// The report for programs. Keys and names are stable: docs/guide/doctor.md.
#include <fmt/format.h>

#include <cstring>

#include "cli/doctor.h"
#include "cli/json_text.h"

namespace trigon::cli {
namespace {

using bpf::Support;

const char* word(Support support) {
  switch (support) {
    case Support::kYes:
      return "yes";
    case Support::kNo:
      return "no";
    case Support::kUnknown:
      break;
  }
  return "unknown";
}

void put_kernel(const DoctorReport& report, JsonText& json) {
  json.key("kernel").open('{');
  json.key("release").text(report.release).key("architecture").text(report.architecture);
  json.key("lockdown").text(report.lockdown).key("security_modules").list(report.security_modules);
  json.key("config").text(report.config);
  json.key("memlock_counts").boolean(report.memlock_counts).key("memlock_limit").number(report.memlock_limit);
  json.close('}');
}

void put_choice(const bpf::Choice& choice, JsonText& json) {
  json.open('{').key("name").text(choice.purpose->name).key("title").text(choice.purpose->title);
  json.key("required").boolean(choice.purpose->required);
  json.key("uses").text(choice.chosen != nullptr ? choice.chosen->name : "");
  json.key("passed_over").open('[');
  for (const bpf::PassedOver& passed : choice.passed_over) {
    json.open('{').key("name").text(passed.candidate->name).key("available").boolean(passed.available);
    json.key("why").text(passed.why).close('}');
  }
  json.close(']').close('}');
}

void put_feature(const DoctorReport::FeatureLine& line, JsonText& json) {
  json.open('{').key("name").text(line.info->name).key("title").text(line.info->title);
  json.key("supported").text(word(line.status.support));
  json.key("since").text(fmt::format("{}.{}", line.info->since_major, line.info->since_minor));
  const char* error = line.status.error != 0 ? strerrorname_np(line.status.error) : nullptr;
  if (error != nullptr) json.key("error").text(error);
  if (!line.status.why.empty()) json.key("why").text(line.status.why);
  if (!line.status.detail.empty()) json.key("detail").text(line.status.detail);
  json.close('}');
}

}  // namespace

std::string to_json(const DoctorReport& report) {
  JsonText json;
  json.open('{').key("can_run").text(word(report.can_run)).key("reason").text(report.reason);
  put_kernel(report, json);
  json.key("file_systems").open('[');
  for (const auto& system : report.file_systems) {
    json.open('{').key("type").text(system.type).key("mounted").boolean(!system.point.empty());
    json.key("point").text(system.point).key("note").text(system.note).close('}');
  }
  json.close(']').key("process").open('{').key("uid").number(report.uid);
  json.key("missing_capabilities").list(report.missing_capabilities);
  json.key("initial_user_namespace").boolean(report.initial_user_namespace).close('}');
  json.key("others").list(report.others);
  json.key("purposes").open('[');
  for (const bpf::Choice& choice : report.choices) put_choice(choice, json);
  json.close(']').key("features").open('[');
  for (const auto& line : report.features) put_feature(line, json);
  return json.close(']').close('}').take();
}

}  // namespace trigon::cli
