// What the measurements share. Each result is a line "result NAME NUMBER UNIT" on standard output; report.py puts them
// beside their goals. Whatever makes a number worthless is a failure() and ends with exit code 1.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent.h"
#include "command.h"

namespace trigon::bench {

void result(const std::string& name, double value, const std::string& unit);
void note(const std::string& text);
[[noreturn]] void failure(const std::string& text);

double median(std::vector<double> values);
// Median of the differences a[i] - b[i]: what happened to one round happened to its neighbour.
double median_difference(const std::vector<double>& a, const std::vector<double>& b);

// Processor time of another process, nanoseconds; under the instruction clock, instructions.
uint64_t cpu_ns(pid_t pid);
uint64_t rss_kib(pid_t pid);
// Memory of a process's BPF maps, as the kernel accounts it (fdinfo), bytes.
uint64_t map_bytes(pid_t pid);

// Empty programs of empty.bpf.c, attached as long as the object lives: those of the base sensor's tracepoints, or one
// by its name.
class EmptyPrograms {
 public:
  explicit EmptyPrograms(const char* name = nullptr);
  ~EmptyPrograms();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A started agent, or failure().
std::unique_ptr<host::Agent> start_agent(std::vector<std::string> args = {});
// Ends it; failure() when its books do not add up.
host::Books stop_agent(host::Agent* agent);
// A trigger's fact, or failure().
host::Json run_trigger(std::vector<std::string> words, const std::string& fact);

// In a guest with the instruction clock.
void measure_spawn();
void measure_calls();
void measure_policies();
// On this machine.
void measure_open();
void measure_getppid();
void measure_start();
void measure_policy_calls();

}  // namespace trigon::bench
