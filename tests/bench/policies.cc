// What policies cost on a hook that they share: by their number, for files that were seen before and new ones, when an
// event matches, and what adding one costs. In a guest with the instruction clock (LSM and kprobe), and with system
// calls on this machine.
#include <sys/personality.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include <fmt/format.h>

#include "bench.h"
#include "machine.h"

namespace trigon::bench {
namespace {

constexpr char kFile[] = "/etc/passwd";
constexpr int kOpens = 4000;
constexpr int kNewFiles = 500;
constexpr int kNumbers[] = {1, 10, 100, 1000};

enum class Place { kLsm, kLsmPath, kKprobe, kCall };

// Policies [from, from + count), each with its own path prefix, binary and number.
std::string policies(Place place, int from, int count) {
  std::string text;
  for (int i = from; i < from + count; ++i) {
    text += fmt::format(
        "---\napiVersion: trigon.dev/v1alpha1\nkind: TracingPolicy\nmetadata: {{name: bench-{}}}\nspec:\n", i);
    const std::string path = fmt::format("operator: Prefix, values: [\"/nobody/opens/{}/\"]", i);
    const std::string binary = fmt::format("matchBinaries: [{{operator: In, values: [\"/usr/bin/nobody-{}\"]}}]", i);
    switch (place) {
      case Place::kLsm:
        text += fmt::format(
            "  lsmhooks:\n  - hook: file_open\n    args: [{{index: 0, type: file}}]\n    selectors:\n"
            "    - matchArgs: [{{index: 0, {}}}]\n      {}\n",
            path, binary);
        break;
      case Place::kLsmPath:
        text += fmt::format(
            "  lsmhooks:\n  - hook: file_open\n    args: [{{index: 0, type: file}}]\n    selectors:\n"
            "    - matchArgs: [{{index: 0, {}}}]\n",
            path);
        break;
      case Place::kKprobe:
        // A register among its data keeps it off the trampoline.
        text += fmt::format(
            "  kprobes:\n  - call: security_file_open\n    syscall: false\n    args: [{{index: 0, type: file}}]\n"
            "    data: [{{index: 0, type: uint64, source: pt_regs, resolve: rsp}}]\n    selectors:\n"
            "    - matchArgs: [{{index: 0, {}}}]\n      {}\n",
            path, binary);
        break;
      case Place::kCall:
        text += fmt::format(
            "  kprobes:\n  - call: sys_openat\n    args: [{{index: 1, type: string}}, {{index: 2, type: int}}]\n"
            "    selectors:\n    - matchArgs: [{{index: 1, {}}}, {{index: 2, operator: InRange, values: "
            "[\"{}:{}\"]}}]\n      {}\n",
            path, 1000000 + 10 * i, 1000000 + 10 * i + 5, binary);
        break;
    }
  }
  return text;
}

double open_round() {
  return run_trigger({"open_storm", "1", std::to_string(kOpens), kFile}, "open_storm")
      .at("cpu_ns_per_open")
      .get<double>();
}

double new_round(const host::Folder& folder) {
  return run_trigger({"open_each", folder.path(), std::to_string(kNewFiles)}, "open_each").at("cpu_ns").get<double>() /
         kNewFiles;
}

std::unique_ptr<host::Agent> agent_with(const std::string& text) {
  auto agent = std::make_unique<host::Agent>(std::vector<std::string>(), std::vector<std::string>{text});
  if (!agent->problem().empty()) failure(agent->problem());
  if (agent->error_text().find("not in force") != std::string::npos) failure(agent->error_text());
  return agent;
}

void measure_place(Place place, const std::string& name, const host::Folder& folder) {
  for (const int number : kNumbers) {
    std::vector<double> none{open_round()}, none_new{new_round(folder)};
    auto agent = agent_with(policies(place, 0, number));
    open_round();
    const double with = open_round(), with_new = new_round(folder);
    if (!agent->sync() || !agent->events().hooks("bench-0").empty()) failure("a path that does not match was reported");
    stop_agent(agent.get());
    none.push_back(open_round());
    none_new.push_back(new_round(folder));
    result(fmt::format("policies-{}-{}", name, number), with - (none[0] + none[1]) / 2, "instructions");
    if (number == 1 || number == 1000)
      result(fmt::format("policies-{}-{}-new", name, number), with_new - (none_new[0] + none_new[1]) / 2,
             "instructions");
  }
}

double empty_added(const char* program) {
  const double before = open_round();
  auto programs = std::make_unique<EmptyPrograms>(program);
  open_round();
  const double with = open_round();
  programs.reset();
  return with - (before + open_round()) / 2;
}

// A number that does not match, on a function that is called once for each open.
std::string number_policy() {
  return "apiVersion: trigon.dev/v1alpha1\nkind: TracingPolicy\nmetadata: {name: bench-0}\nspec:\n  kprobes:\n"
         "  - call: fd_install\n    syscall: false\n    args: [{index: 0, type: int}]\n    selectors:\n"
         "    - matchArgs: [{index: 0, operator: Equal, values: [\"987654\"]}]\n";
}

std::string match_policy() {
  return fmt::format(
      "apiVersion: trigon.dev/v1alpha1\nkind: TracingPolicy\nmetadata: {{name: bench-0}}\nspec:\n  lsmhooks:\n"
      "  - hook: file_open\n    args: [{{index: 0, type: file}}]\n    selectors:\n"
      "    - matchArgs: [{{index: 0, operator: Equal, values: [\"{}\"]}}]\n",
      kFile);
}

double added_by(const std::string& policy, bool posts) {
  const double before = open_round();
  auto agent = agent_with(policy);
  open_round();
  const double with = open_round();
  if (!agent->sync()) failure("events do not arrive");
  if (posts == agent->events().hooks("bench-0").empty()) failure("the policy did not do what it says");
  stop_agent(agent.get());
  return with - (before + open_round()) / 2;
}

// Processor time of the agent for a file that appears in its policy folder.
struct Added {
  double cpu_ns = 0;
  double seconds = 0;
};
Added add_file(host::Agent& agent, const host::Folder& folder, const std::string& name, const std::string& text) {
  const auto settle = [&] {
    for (int i = 0; i < 2; ++i)
      if (!agent.sync()) failure("events do not arrive");
  };
  settle();
  const uint64_t idle = cpu_ns(agent.pid());
  settle();
  const uint64_t begin = cpu_ns(agent.pid());
  const auto start = std::chrono::steady_clock::now();
  folder.write(name, text);
  settle();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {static_cast<double>(cpu_ns(agent.pid()) - begin) - static_cast<double>(begin - idle), seconds};
}

void measure_adding(Place place, const std::string& name, const std::string& unit, double scale) {
  host::Folder folder;
  folder.write("a.yaml", policies(place, 0, 1));
  auto agent = start_agent({"--tracing-policy-dir", folder.path()});
  std::vector<double> one;
  for (int i = 1; i <= 5; ++i)
    one.push_back(add_file(*agent, folder, fmt::format("b{}.yaml", i), policies(place, i, 1)).cpu_ns);
  result(fmt::format("policy-add-{}", name), median(one) / scale, unit);
  const uint64_t before = map_bytes(agent->pid());
  const Added many = add_file(*agent, folder, "c.yaml", policies(place, 10, 1000));
  result(fmt::format("policy-add-1000-{}", name), many.cpu_ns / scale, unit);
  result(fmt::format("policy-memory-{}", name), static_cast<double>(map_bytes(agent->pid()) - before) / 1024 / 1000,
         "KiB");
  stop_agent(agent.get());
}

}  // namespace

void measure_policies() {
  ::personality(ADDR_NO_RANDOMIZE);
  host::Folder folder;
  open_round();
  result("policies-lsm-empty", empty_added("empty_lsm"), "instructions");
  result("policies-kprobe-empty", empty_added("empty_kprobe"), "instructions");
  result("policies-number-empty", empty_added("empty_fentry"), "instructions");
  result("policies-number", added_by(number_policy(), false), "instructions");
  result("policies-lsm-match", added_by(match_policy(), true), "instructions");
  measure_place(Place::kLsm, "lsm", folder);
  measure_place(Place::kLsmPath, "path", folder);
  measure_place(Place::kKprobe, "kprobe", folder);
  measure_adding(Place::kLsm, "lsm", "instructions", 1);
}

void measure_policy_calls() {
  constexpr int kRounds = 5;
  const auto round = [] {
    return run_trigger({"open_storm", "1", "200000", kFile}, "open_storm").at("cpu_ns_per_open").get<double>();
  };
  round();
  std::vector<double> first;
  for (const int number : kNumbers) {
    std::vector<double> none, with;
    for (int i = 0; i < kRounds; ++i) {
      none.push_back(round());
      auto agent = agent_with(policies(Place::kCall, 0, number));
      with.push_back(round());
      stop_agent(agent.get());
    }
    const double added = median_difference(with, none);
    if (first.empty()) first.push_back(added);
    result(fmt::format("policies-call-{}", number), added, "ns");
    if (number == 1000) result("policies-call-ratio", (median(none) + added) / (median(none) + first[0]), "x");
  }
  measure_adding(Place::kCall, "call", "ms", 1e6);
}

}  // namespace trigon::bench
