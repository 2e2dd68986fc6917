// What a process costs from its birth to its end, by the instruction clock: without an agent, with empty programs on
// the same hooks, with the agent; and what the agent itself does for it.
#include <signal.h>
#include <sys/personality.h>
#include <unistd.h>

#include <fmt/format.h>

#include "bench.h"
#include "machine.h"

namespace trigon::bench {
namespace {

constexpr int kSpawns = 2000;
constexpr int kRounds = 5;

// Instructions per spawn, in the spawning and the spawned process.
double spawn_round() {
  const host::Json fact = run_trigger({"spawn_storm", std::to_string(kSpawns), host::trigger("noop")}, "spawn_storm");
  return (fact.at("own_cpu_ns").get<double>() + fact.at("children_cpu_ns").get<double>()) / kSpawns;
}

constexpr char kFile[] = "/etc/passwd";
constexpr int kOpens = 3000;

// Instructions per open and close.
double open_round() {
  const host::Json fact = run_trigger({"open_storm", "1", std::to_string(kOpens), kFile}, "open_storm");
  return fact.at("cpu_ns").get<double>() / kOpens;
}

std::string open_policy(const std::string& operator_name, const std::string& value) {
  return fmt::format(
      "apiVersion: trigon.dev/v1alpha1\nkind: TracingPolicy\nmetadata: {{name: bench}}\nspec:\n  kprobes:\n"
      "  - call: sys_openat\n    args: [{{index: 0, type: int}}, {{index: 1, type: string}}, {{index: 2, type: int}}]\n"
      "    selectors: [{{matchArgs: [{{index: 1, operator: {}, values: [\"{}\"]}}]}}]\n",
      operator_name, value);
}

// The agent's instructions per event when its lines go nowhere: without the kernel's copying to a file.
double unwritten_round() {
  host::Command agent({host::trigon_binary(), "agent", "--export-filename", "/dev/null"});
  const auto ready = [&] { return agent.err().find("ready") != std::string::npos; };
  if (!agent.read_until(ready, host::Seconds(60))) failure(agent.err());
  ::sleep(2);
  const uint64_t before = cpu_ns(agent.pid());
  spawn_round();
  ::sleep(1);
  const uint64_t work = cpu_ns(agent.pid()) - before;
  agent.send(SIGTERM);
  const host::Books books = host::Books::parse(agent.wait(host::Seconds(60)).err);
  if (!books.add_up() || books.lost != 0) failure("the books do not add up: " + books.text());
  return static_cast<double>(work) / static_cast<double>(books.written);
}

}  // namespace

void measure_calls() {
  std::vector<double> none, unmatched, matched;
  open_round();
  const auto getppid = [] {
    return run_trigger({"getppid_storm", "20000"}, "getppid_storm").at("cpu_ns").get<double>() / 20000;
  };
  std::vector<double> getppid_none, getppid_hooked;
  for (int round = 0; round < kRounds; ++round) {
    none.push_back(open_round());
    getppid_none.push_back(getppid());
    for (const bool matches : {false, true}) {
      host::Agent agent({}, {matches ? open_policy("Equal", kFile) : open_policy("Prefix", "/nobody/opens/this/")});
      if (!agent.problem().empty()) failure(agent.problem());
      (matches ? matched : unmatched).push_back(open_round());
      if (!matches) getppid_hooked.push_back(getppid());
      if (!agent.sync()) failure("events do not arrive");
      const size_t hooks = agent.events().hooks("bench").size();
      const host::Books books = stop_agent(&agent);
      if (matches && hooks + books.lost < kOpens) failure(fmt::format("{} events of {} opens", hooks, kOpens));
      if (!matches && hooks != 0) failure("a path that does not match was reported");
    }
  }
  result("call-open-none", median(none), "instructions");
  result("call-open-unmatched-added", median_difference(unmatched, none), "instructions");
  result("call-open-matched-added", median_difference(matched, none), "instructions");
  result("call-other-added", median_difference(getppid_hooked, getppid_none), "instructions");
}

void measure_spawn() {
  // The same addresses each time: a different number of page tables is a different number of instructions.
  ::personality(ADDR_NO_RANDOMIZE);
  std::vector<double> none, empty, traced, written, unwritten, start;
  double rss = 0, maps = 0;
  spawn_round();  // what is cold the first time
  double last = spawn_round();
  // Against the mean of the rounds without anything on both sides.
  const auto added = [&](double measured) {
    const double next = spawn_round(), base = (last + next) / 2;
    last = next;
    none.push_back(base);
    return measured - base;
  };
  for (int round = 0; round < kRounds; ++round) {
    {
      auto programs = std::make_unique<EmptyPrograms>();
      const double measured = spawn_round();
      programs.reset();
      empty.push_back(added(measured));
    }
    auto agent = start_agent();
    start.push_back(static_cast<double>(cpu_ns(agent->pid())));
    ::sleep(2);
    if (!agent->sync()) failure("events do not arrive");
    if (round == 0) {
      rss = static_cast<double>(rss_kib(agent->pid())) / 1024;
      maps = static_cast<double>(map_bytes(agent->pid())) / (1 << 20);
    }
    const size_t before = agent->events().all().size();
    const uint64_t cpu = cpu_ns(agent->pid());
    const double measured = spawn_round();
    // Until the last of its events is written; reading the file is our work, not the agent's.
    if (!agent->sync()) failure("events do not arrive");
    const uint64_t work = cpu_ns(agent->pid()) - cpu;
    const size_t events = agent->events().all().size() - before;
    if (events < 2 * kSpawns) failure(fmt::format("{} events of {} processes", events, kSpawns));
    written.push_back(static_cast<double>(work) / static_cast<double>(events));
    const host::Books books = stop_agent(agent.get());
    if (books.lost != 0) failure("events were lost: " + books.text());
    traced.push_back(added(measured));
    if (round < 2) unwritten.push_back(unwritten_round());
  }
  result("spawn-none", median(none), "instructions");
  result("spawn-empty-added", median(empty), "instructions");
  result("spawn-added", median(traced), "instructions");
  result("event-agent", median(written), "instructions");
  result("event-agent-unwritten", median(unwritten), "instructions");
  result("start-instructions", median(start), "instructions");
  result("guest-rss", rss, "MiB");
  result("guest-maps", maps, "MiB");
}

}  // namespace trigon::bench
