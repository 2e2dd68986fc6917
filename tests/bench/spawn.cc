// What a process costs from its birth to its end, by the instruction clock: without an agent, with empty programs on
// the same hooks, with the agent; and what the agent itself does for it.
#include <unistd.h>

#include <fmt/format.h>

#include "bench.h"
#include "machine.h"

namespace trigon::bench {
namespace {

constexpr int kSpawns = 1000;
constexpr int kRounds = 3;

// Instructions per spawn, in the spawning and the spawned process.
double spawn_round() {
  const host::Json fact = run_trigger({"spawn_storm", std::to_string(kSpawns), host::trigger("noop")}, "spawn_storm");
  return (fact.at("own_cpu_ns").get<double>() + fact.at("children_cpu_ns").get<double>()) / kSpawns;
}

}  // namespace

void measure_spawn() {
  std::vector<double> none, empty, traced, agent_work, start, bytes;
  double rss = 0, maps = 0;
  spawn_round();  // what is cold the first time
  for (int round = 0; round < kRounds; ++round) {
    none.push_back(spawn_round());
    {
      EmptyPrograms programs;
      empty.push_back(spawn_round());
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
    traced.push_back(spawn_round());
    // Until the last of its events is written; reading the file is our work, not the agent's.
    if (!agent->sync()) failure("events do not arrive");
    const uint64_t work = cpu_ns(agent->pid()) - cpu;
    const size_t events = agent->events().all().size() - before;
    if (events < 2 * kSpawns) failure(fmt::format("{} events of {} processes", events, kSpawns));
    agent_work.push_back(static_cast<double>(work) / static_cast<double>(events));
    const host::Books books = stop_agent(agent.get());
    if (books.lost != 0) failure("events were lost: " + books.text());
  }
  result("spawn-none", median(none), "instructions");
  result("spawn-empty-added", median_difference(empty, none), "instructions");
  result("spawn-added", median_difference(traced, none), "instructions");
  result("event-agent", median(agent_work), "instructions");
  result("start-instructions", median(start), "instructions");
  result("guest-rss", rss, "MiB");
  result("guest-maps", maps, "MiB");
}

}  // namespace trigon::bench
