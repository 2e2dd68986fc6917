// trigon_bench spawn|calls|open|getppid|start|policies|policy-calls: measures one thing; see bench.h and run.sh.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cstring>

#include "bench.h"

int main(int argc, char** argv) {
  using namespace trigon::bench;
  // An agent that runs on this machine is left alone, and keeps its lock.
  if (::unshare(CLONE_NEWNS) == 0) {
    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    ::mkdir("/run/trigon", 0755);
    ::mount("trigon-bench", "/run/trigon", "tmpfs", 0, "size=4m");
  }
  const std::string name = argc == 2 ? argv[1] : "";
  if (name == "spawn") {
    measure_spawn();
  } else if (name == "calls") {
    measure_calls();
  } else if (name == "open") {
    measure_open();
  } else if (name == "getppid") {
    measure_getppid();
  } else if (name == "start") {
    measure_start();
  } else if (name == "policies") {
    measure_policies();
  } else if (name == "policy-calls") {
    measure_policy_calls();
  } else {
    failure("usage: trigon_bench spawn|calls|open|getppid|start|policies|policy-calls");
  }
  return 0;
}
