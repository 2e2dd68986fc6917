// Sensor: the loaded BPF programs, their maps and their ring. Made in three steps, so that nothing falls between them:
// load (nothing runs yet), attach (records gather in the ring), snapshot (who was there before). Single-threaded.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/abi/policy.h"
#include "bpf/abi/record.h"
#include "bpf/features.h"
#include "bpf/map.h"

namespace trigon::bpf {

struct SensorOptions {
  uint64_t ring_bytes = 4 << 20;  // rounded up to a power of two, at least a page
  bool environment = false;       // report environments with exec
  int cgroup_v1_subsystem = -1;   // index of the v1 controller to name cgroups by; -1: cgroup2
  bool task_storage = true;       // false: the hash map even where task storage works
};

// The books (struct trigon_counters), summed over the CPUs, and what a CPU has lost.
struct SensorCounters {
  trigon_counters total{};
  std::vector<uint64_t> lost_by_cpu;
  uint64_t recursion_misses = 0;  // runs that the kernel skipped because the program was running on that CPU
};

enum class StateStore { kTaskStorage, kHashMap };

class ObjectContext;

class Sensor {
 public:
  using Handler = std::function<void(const void* record, size_t size)>;

  // Opens, verifies and loads everything. kUnsupported names the kernel option that is missing; kPermission what to do.
  static Result<std::unique_ptr<Sensor>> load(const SensorOptions& options, Features& features);
  // Detaches and unloads: nothing stays in the kernel.
  ~Sensor();

  // exec, fork, exit, cgroup_mkdir.
  Result<void> attach();
  // Runs the task iterator: one TRIGON_REC_SNAPSHOT record per process. kUnsupported where there is none.
  Result<void> snapshot(const Handler& handler);
  // Creates what policies need: their tables and working memory. Before the first policy; repeats are nothing.
  Result<void> prepare_policies();
  // sys_enter (and with `returns` sys_exit), while policies need it. May be called at any time and repeat.
  Result<void> attach_syscalls(bool returns);
  void detach_syscalls();
  // process_watch, while a policy needs it (followChildren, changes of namespaces or capabilities). May repeat.
  Result<void> watch_processes(bool wanted);
  bool syscalls_attached() const;
  // Everything off; what is in the ring stays readable.
  void detach();

  // Readable when a record arrived after sleep().
  int ring_fd() const;
  // Hands up to `limit` records to the handler; returns how many.
  size_t consume(const Handler& handler, size_t limit);
  // Asks for a wake-up with the next record. The ring must be drained once more afterwards: a record that was being
  // written meanwhile did not see it.
  void sleep();
  void awake();

  SensorCounters counters() const;
  uint64_t ring_bytes() const;
  StateStore state_store() const;
  // Bytes of kernel memory that the maps hold, as the kernel accounts them (fdinfo memlock). Before 6.4 that is what
  // they would hold if every entry were in use.
  uint64_t map_bytes() const;

  // Entries that have waited longer than `age_ns` for a return that will not come (the thread is dead): their places
  // are free again. How many.
  size_t sweep_pending(uint64_t age_ns);

  // Shared with the programs; see abi/policy.h for what may be written when. Maps are there after prepare_policies().
  volatile trigon_control& control();
  const Map& syscalls() const;
  const Map& hooks() const;
  const Map& vectors() const;
  const Map& selectors() const;
  const Map& numbers() const;
  const Map& ranges() const;
  const Map& prefixes() const;
  const Map& stats() const;
  const Map& policies() const;
  // For programs that share the maps.
  ObjectContext& context();

 private:
  struct Impl;
  explicit Sensor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trigon::bpf
