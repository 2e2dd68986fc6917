// What can only be measured in real time: rates, added time per call, the time to get ready. Rounds with and without
// the agent alternate, and the medians of neighbours' differences count.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include <fmt/format.h>

#include "bench.h"
#include "machine.h"

namespace trigon::bench {
namespace {

constexpr char kFile[] = "/etc/passwd";
constexpr int kThreads = 2;
constexpr int kOpens = 250'000;  // per thread
constexpr int kRounds = 5;

std::string open_policy(const std::string& filter) {
  return fmt::format(
      "apiVersion: trigon.dev/v1alpha1\nkind: TracingPolicy\nmetadata: {{name: bench}}\nspec:\n  kprobes:\n"
      "  - call: sys_openat\n    args: [{{index: 0, type: int}}, {{index: 1, type: string}}, {{index: 2, type: int}}]\n"
      "    selectors: [{}]\n",
      filter);
}

struct Storm {
  double cpu_ns_per_open = 0;
  double wall_ns = 0;
};

Storm read_storm(const host::Finished& done) {
  const host::Json fact = done.fact("open_storm");
  if (done.exit_code != 0 || fact.is_null()) failure("open_storm failed: " + done.err);
  return {fact.at("cpu_ns").get<double>() / fact.at("opens").get<double>(), fact.at("wall_ns").get<double>()};
}

std::vector<std::string> storm_words(int opens) {
  return {host::trigger("open_storm"), std::to_string(kThreads), std::to_string(opens), kFile};
}

struct Traced {
  Storm storm;
  host::Books books;
  uint64_t lines = 0;  // hook events in the file
  double agent_cpu_ns = 0;
};

// Lines that are an event of the policy; parsing half a gigabyte of JSON would take longer than the measurement.
uint64_t count_lines(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) failure("no output in " + path);
  uint64_t lines = 0;
  constexpr std::string_view kStart = "{\"process_kprobe\"";
  std::vector<char> line(1 << 20);
  while (std::fgets(line.data(), static_cast<int>(line.size()), file) != nullptr) {
    lines += std::string_view(line.data()).substr(0, kStart.size()) == kStart;
  }
  std::fclose(file);
  return lines;
}

Traced traced_storm(const host::Folder& folder, const std::string& policy, int opens) {
  const std::string output = folder.file("events.json");
  std::filesystem::remove(output);
  std::vector<std::string> words = {host::trigon_binary(), "trace", "-p", policy, "-o", "json",
                                    "--output-file",       output,  "--"};
  const auto storm = storm_words(opens);
  words.insert(words.end(), storm.begin(), storm.end());
  Traced traced;
  host::Command command(words);
  // The clock of a process that has ended can be read until somebody waits for it.
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(command.pid()), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  traced.agent_cpu_ns = static_cast<double>(cpu_ns(command.pid()));
  const host::Finished done = command.wait(host::Seconds(60));
  traced.storm = read_storm(done);
  traced.books = host::Books::parse(done.err);
  if (!traced.books.add_up()) failure("the books do not add up: " + traced.books.text() + " " + done.err);
  traced.lines = count_lines(output);
  return traced;
}

}  // namespace

void measure_open() {
  host::Folder folder;
  const std::string every = folder.write("every.yaml", open_policy("{matchActions: [{action: Post}]}"));
  const std::string never = folder.write(
      "never.yaml", open_policy("{matchArgs: [{index: 1, operator: Prefix, values: [/nobody/opens/this/]}]}"));
  std::vector<double> none, matched, unmatched, rate, cpu, delivered;
  uint64_t lost = 0, produced = 0;
  read_storm(host::run(storm_words(kOpens)));
  const double idle_cpu = traced_storm(folder, every, 1).agent_cpu_ns;
  for (int round = 0; round < kRounds; ++round) {
    none.push_back(read_storm(host::run(storm_words(kOpens))).cpu_ns_per_open);
    const Traced all = traced_storm(folder, every, kOpens);
    matched.push_back(all.storm.cpu_ns_per_open);
    const double lines = static_cast<double>(all.lines);
    rate.push_back(lines / all.storm.wall_ns * 1e9);
    if (all.lines != 0) cpu.push_back((all.agent_cpu_ns - idle_cpu) / lines / 1e3);
    delivered.push_back(100 * lines / (kThreads * static_cast<double>(kOpens)));
    lost += all.books.lost;
    produced += all.books.produced;
    const Traced nothing = traced_storm(folder, never, kOpens);
    if (nothing.lines != 0) failure("a path that does not match was reported");
    unmatched.push_back(nothing.storm.cpu_ns_per_open);
  }
  std::filesystem::remove(folder.file("events.json"));
  result("open-none", median(none), "ns");
  result("open-matched-added", median_difference(matched, none), "ns");
  result("open-unmatched-added", median_difference(unmatched, none), "ns");
  result("open-delivered-rate", median(rate), "events/s");
  result("open-delivered", median(delivered), "%");
  result("open-agent-cpu", median(cpu), "s/million");
  note(fmt::format("open: {} rounds, {} records produced, {} lost, all accounted for", kRounds, produced, lost));
}

void measure_getppid() {
  constexpr int kCalls = 20'000'000 / kRounds;
  const std::vector<std::string> words = {"getppid_storm", std::to_string(kCalls)};
  const auto round = [&] { return run_trigger(words, "getppid_storm").at("picoseconds_per_call").get<double>() / 1e3; };
  std::vector<double> none, with;
  round();
  for (int i = 0; i < kRounds; ++i) {
    none.push_back(round());
    auto agent = start_agent();
    with.push_back(round());
    stop_agent(agent.get());
  }
  result("getppid-none", median(none), "ns");
  result("getppid-added", median_difference(with, none), "ns");
}

void measure_start() {
  using Clock = std::chrono::steady_clock;
  std::vector<double> ready, cpu;
  double rss = 0, maps = 0, loaded_rss = 0;
  for (int i = 0; i < kRounds; ++i) {
    const auto start = Clock::now();
    auto agent = start_agent();
    ready.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    cpu.push_back(static_cast<double>(cpu_ns(agent->pid())) / 1e9);
    if (i == 0) {
      ::sleep(2);
      rss = static_cast<double>(rss_kib(agent->pid())) / 1024;
      maps = static_cast<double>(map_bytes(agent->pid())) / (1 << 20);
      host::run({host::trigger("spawn_storm"), "20000", host::trigger("noop")});
      if (!agent->sync()) failure("events do not arrive");
      loaded_rss = static_cast<double>(rss_kib(agent->pid())) / 1024;
    }
    stop_agent(agent.get());
  }
  result("start-ready", median(ready), "s");
  result("start-cpu", median(cpu), "s");
  result("rss-idle", rss, "MiB");
  result("rss-loaded", loaded_rss, "MiB");
  result("maps", maps, "MiB");
}

}  // namespace trigon::bench
