#include "hook_case.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <ostream>
#include <set>
#include <sstream>

namespace trigon::host {
namespace {

// What `trigon doctor` says of each feature: empty for those that are there.
const std::map<std::string, std::string>& missing_features() {
  static const std::map<std::string, std::string> missing = [] {
    std::map<std::string, std::string> found;
    const Finished done = run({trigon_binary(), "doctor", "-o", "json"}, {}, Seconds(patience(30)));
    const Json report = Json::parse(done.out, nullptr, false);
    if (!report.is_object()) return found;
    for (const Json& feature : report.at("features")) {
      const bool there = feature.value("supported", "") == "yes";
      found[feature.at("name")] = there ? "" : feature.value("title", "") + ": " + feature.value("why", "not there");
    }
    return found;
  }();
  return missing;
}

const std::set<std::string>& kernel_functions() {
  static const std::set<std::string> functions = [] {
    std::set<std::string> found;
    std::ifstream symbols("/proc/kallsyms");
    for (std::string address, type, name, rest; symbols >> address >> type >> name && std::getline(symbols, rest);) {
      if (type == "t" || type == "T") found.insert(name);
    }
    return found;
  }();
  return functions;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string entry_of(const HookCase& hook, const std::string& selector) {
  std::string entry = hook.hook;
  if (const size_t at = entry.find('@'); at != std::string::npos && !hook.functions.empty()) {
    entry.replace(at, 1, first_function(hook.functions));
  }
  const std::string ours = hook.any_process ? "" : "matchBinaries: [{operator: Postfix, values: [/objects]}], ";
  return entry + ", selectors: [{" + ours + selector + "}]";
}

// Why this kernel cannot have the case.
std::string why_no_case(const HookCase& hook) {
  if (std::string why = why_not_here(hook.needs); !why.empty()) return why;
  if (hook.functions.empty() || !first_function(hook.functions).empty()) return {};
  return "this kernel has no function " + hook.functions.back();
}

bool is_selected(const std::string& test) {
  const auto* suite = ::testing::UnitTest::GetInstance()->current_test_suite();
  for (int i = 0; suite != nullptr && i < suite->total_test_count(); ++i) {
    const ::testing::TestInfo* info = suite->GetTestInfo(i);
    if (info->should_run() && std::string(info->name()).ends_with("/" + test)) return true;
  }
  return false;
}

}  // namespace

void PrintTo(const HookCase& hook, std::ostream* out) { *out << hook.name; }

std::string why_not_here(const std::string& features) {
  std::string reasons;
  std::istringstream words(features);
  for (std::string word; words >> word;) {
    const auto found = missing_features().find(word);
    if (found == missing_features().end()) return "the doctor knows no feature " + word;
    if (found->second.empty()) return {};
    reasons += (reasons.empty() ? "" : "; ") + found->second;
  }
  return reasons;
}

std::string first_function(const std::vector<std::string>& functions) {
  for (const std::string& function : functions) {
    if (kernel_functions().contains(function)) return function;
  }
  return {};
}

std::string permission(unsigned mode) {
  std::string text = S_ISDIR(mode) ? "d" : S_ISFIFO(mode) ? "p" : "-";
  for (int shift = 6; shift >= 0; shift -= 3) {
    for (int bit = 2; bit >= 0; --bit) text += mode >> (shift + bit) & 1 ? "xwr"[bit] : '-';
  }
  return text;
}

std::string flow_policy(const std::string& name, const std::string& section, const std::string& entry,
                        const std::string& options) {
  return "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: " + name + "}\nspec: {" + options +
         section + ": [{" + entry + "}]}\n";
}

std::string failure_of(const Agent& agent, const std::string& policy) {
  std::istringstream lines(agent.error_text());
  for (std::string line; std::getline(lines, line);) {
    const bool refused = line.find("policy " + policy + " is not in force") != std::string::npos;
    if (refused || line.find("/" + policy + ".yaml") != std::string::npos) return line;
  }
  return {};
}

void HookCaseTest::start_cases(const std::vector<HookCase>& cases) {
  if (!why_no_bpf().empty()) return;
  folder_ = std::make_unique<Folder>();
  std::vector<std::string> words = {"objects"};
  for (const HookCase& hook : cases) {
    if (!is_selected(hook.name) || !why_no_case(hook).empty()) continue;
    const std::string name = lower(hook.name);
    folder_->write(name + "-yes.yaml", flow_policy(name + "-yes", hook.section, entry_of(hook, hook.match)));
    folder_->write(name + "-no.yaml", flow_policy(name + "-no", hook.section, entry_of(hook, hook.other)));
    if (std::find(words.begin(), words.end(), hook.operation) == words.end()) words.push_back(hook.operation);
  }
  if (words.size() == 1) return;
  agent_ = std::make_unique<Agent>(std::vector<std::string>{"--tracing-policy-dir", folder_->path()});
  if (agent_->problem().empty()) done_ = agent_->run(words);
}

void HookCaseTest::TearDownTestSuite() {
  agent_.reset();
  folder_.reset();
}

void HookCaseTest::SetUp() {
  HostTest::SetUp();
  if (IsSkipped()) return;
  if (const std::string why = why_no_case(GetParam()); !why.empty()) GTEST_SKIP() << why;
  ASSERT_TRUE(agent_ != nullptr);
  ASSERT_EQ(agent_->problem(), "");
  if (const std::string why = done_.unsupported(); !why.empty()) GTEST_SKIP() << why;
  ASSERT_EQ(done_.exit_code, 0) << done_.err;
}

void HookCaseTest::check_case() {
  const HookCase& hook = GetParam();
  const std::string name = lower(hook.name);
  ASSERT_EQ(failure_of(*agent_, name + "-yes"), "");
  ASSERT_EQ(failure_of(*agent_, name + "-no"), "");
  const std::vector<Json> wanted = agent_->events().hooks(name + "-yes");
  const std::vector<Json> others = agent_->events().hooks(name + "-no");
  EXPECT_TRUE(others.empty()) << others.size() << " events, of which " << others[0].dump();
  ASSERT_FALSE(wanted.empty()) << "no event";
  EXPECT_TRUE(hook.many || wanted.size() == 1) << wanted.size() << " events";
  hook.check(wanted[0], done_);
  if (HasFailure()) ADD_FAILURE() << wanted[0].dump();
}

}  // namespace trigon::host
