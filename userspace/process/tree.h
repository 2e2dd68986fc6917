// ProcessTree: every living process, and the exited ones that still matter. Memory is proportional to the living
// processes plus a short grace, under a hard cap. Single-threaded; no I/O of its own: what it needs from outside comes
// in records or through ContextSource.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "event/decode.h"
#include "process/pending.h"
#include "process/process.h"

namespace trigon::process {

// Completes a Context when a new one is made: cgroup path from id, container from path.
class ContextSource {
 public:
  virtual ~ContextSource() = default;
  // pid: a living process of this context, for the fallback through procfs.
  virtual void complete(uint32_t pid, Context* context) = 0;
};

struct TreeOptions {
  uint64_t grace_ns = 5'000'000'000;  // of event time, that an exited process stays
  size_t max_entries = 65536;         // all together; beyond it exited ones go first, then the oldest
  size_t max_exited = 8192;           // in grace at the same time
  size_t kept_args = 4096;            // bytes of an argument vector that stay after its exec event
  PendingOptions pending;
  uint32_t host_pid_ns = 0;  // inode; 0: unknown
};

struct TreeCounters {
  uint64_t entries = 0;  // objects that exist now, previous images and retained ancestors included
  uint64_t living = 0;   // of those, alive and current
  uint64_t exited = 0;   // in grace
  uint64_t cap = 0;
  uint64_t evicted_exited = 0;  // by a cap, before their grace was over
  uint64_t evicted_living = 0;
  uint64_t cut_ancestors = 0;    // links to a parent given up for the cap
  uint64_t unknown = 0;          // entries made for processes that no record had told of
  uint64_t duplicates = 0;       // fork and snapshot records of processes that were known
  uint64_t duplicate_exits = 0;  // a second exit of the same process
  uint64_t reused_pids = 0;      // a pid came again before the exit of its old process was seen
};

// The arguments and environment that belong to an exec, wherever they came from. Views into the record or the pending
// store: valid until the next exec.
struct ExecData {
  std::string_view args;
  std::string_view env;
  bool args_lost = false;  // the record promised a data record that never came
  bool env_lost = false;
};

// A Ref<Process> must not outlive its tree.
class ProcessTree {
 public:
  explicit ProcessTree(TreeOptions options = {}, ContextSource* source = nullptr);
  ~ProcessTree();
  ProcessTree(const ProcessTree&) = delete;
  ProcessTree& operator=(const ProcessTree&) = delete;

  // An entry of the task iterator or of procfs. args: NUL after each, as in /proc/PID/cmdline.
  // approximate: its start time came from procfs, which rounds down to a clock tick (10 ms).
  Ref<Process> snapshot(const event::Exec& exec, std::string_view args, bool approximate = false);
  // Null when the process is known already.
  Ref<Process> fork(const event::Fork& fork);
  // The process that the exec made. `data` receives arguments and environment, in full; valid until the next exec.
  Ref<Process> exec(const event::Exec& exec, ExecData* data);
  void exec_data(const event::ExecData& data);
  // The process that ended: still complete, in grace from now on. Null when it had ended before: two threads that leave
  // last together both report.
  Ref<Process> exit(const event::Exit& exit);
  // The process of any other record; made as unknown when there is none.
  Process& find_or_create(const trigon_record& rec);

  // start_ns 0: the newest process of that pid. Null: not there.
  Process* find(uint32_t pid, uint64_t start_ns = 0) const;
  // Parent, its parent and so on, at most `limit`.
  static std::vector<const Process*> ancestors(const Process& process, size_t limit = 256);
  // Lets go of exited processes whose grace is over. Called with the time of each record that changes the tree; may be
  // called when nothing happens.
  void expire(uint64_t now_ns);

  TreeCounters counters() const;
  const PendingCounters& pending_counters() const { return pending_.counters(); }

 private:
  friend void dispose(Process* process);
  struct List {
    Process* head = nullptr;
    Process* tail = nullptr;
    size_t size = 0;
    void push_back(Process* process);
    void remove(Process* process);
  };

  Ref<Process> make(uint32_t pid, uint64_t start_ns);
  Ref<Process> make_unknown(uint32_t pid, uint64_t start_ns);
  Ref<Image> make_image(const event::Exec& exec, std::string_view args);
  // `like` itself when nothing differs from it.
  Ref<Context> make_context(const trigon_task& task, uint32_t pid, const Ref<Context>& like, bool same_cgroup);
  Ref<Context> exec_context(const trigon_task& task, uint32_t pid, const Ref<Context>& like);
  Ref<Context> forked_context(const trigon_fork& fork, const Ref<Context>& parent);
  Ref<Process> parent_of(uint32_t pid, uint64_t start_ns);
  Process* find_exact(uint32_t pid, uint64_t start_ns);
  void mark_in_init(Process* process) const;

  // The table (by pid, newest first in a chain) holds one reference to each living and each exited process.
  void insert(const Ref<Process>& process);
  void unlink(Process* process);
  void remove(Process* process);  // from the table; the object stays, retained, while others refer to it
  void grow();
  size_t bucket(uint32_t pid) const { return (pid * 2654435761u >> 7) & (buckets_.size() - 1); }
  void move_to(Process* process, Process::Place place);
  List* list_of(Process::Place place);
  void end_life(Process* process, uint64_t now_ns);
  void end_other_lives(uint32_t pid, uint64_t start_ns, uint64_t now_ns);
  void enforce_cap();

  TreeOptions options_;
  ContextSource* source_;
  PendingData pending_;
  std::vector<Process*> buckets_;
  size_t in_table_ = 0;
  size_t entries_ = 0;
  List living_;    // in order of creation
  List exited_;    // in grace, in order of exit
  List retained_;  // out of the table, but something living descends from them
  Ref<Image> no_image_;
  Ref<Context> no_context_;
  std::string args_;  // of the exec that was last, when they came in a data record
  std::string env_;
  std::string scratch_;
  TreeCounters counters_;
};

}  // namespace trigon::process
