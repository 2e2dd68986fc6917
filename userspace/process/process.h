// What is known of a process: Process (one life between fork, exec and exit), Image (what an exec fixed) and Context
// (credentials, namespaces, cgroup). Single-threaded: the event loop. Times are the boot clock in nanoseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bpf/abi/record.h"
#include "process/ref.h"

namespace trigon::process {

// Text that a writer rendered of an object and wants back next time. Whoever's `owner` number it bears may use it.
struct RenderCache {
  std::string text;
  uint32_t owner = 0;  // 0: nobody, empty

  void drop() {
    if (owner == 0) return;
    owner = 0;
    std::string().swap(text);
  }
};

enum class ContainerRuntime : uint8_t { kNone, kDocker, kContainerd, kCrio, kPodman, kNspawn, kLxc, kUnknown };

// "docker", "containerd", …; "" for kNone.
std::string_view runtime_name(ContainerRuntime runtime);

// Who and where a process is. Most processes are born with exactly the context of their parent and share it.
struct Context {
  mutable uint32_t refs = 0;
  uint32_t cgroup_v1 = 0;  // as in trigon_task
  uint64_t cgroup_id = 0;
  trigon_creds creds{};  // as of the last exec or snapshot
  trigon_namespaces ns{};
  std::string cgroup_path;   // from the hierarchy's root; empty: unknown
  std::string container_id;  // empty: not in a container, or unknown
  ContainerRuntime runtime = ContainerRuntime::kNone;
  mutable RenderCache render;
};

// What one exec fixed; forks share it. Immutable once it is made. The strings live in one block.
struct Image {
  mutable uint32_t refs = 0;
  uint32_t exec_flags = 0;      // enum trigon_exec_flags
  uint32_t exe_path_flags = 0;  // enum trigon_path_flags
  uint32_t cwd_path_flags = 0;
  trigon_file file{};
  uint32_t binary_len = 0;
  uint32_t cwd_len = 0;
  uint32_t script_len = 0;
  uint32_t args_len = 0;
  uint32_t args_size = 0;  // bytes of the whole vector, before anything was cut
  bool kernel_thread = false;
  std::unique_ptr<char[]> block;

  // The file that runs, as the kernel resolved it (for a script its interpreter). Empty: unknown.
  std::string_view binary() const { return {block.get(), binary_len}; }
  std::string_view cwd() const { return {block.get() + binary_len, cwd_len}; }
  // The script's name as it was given to execve; empty: not a script.
  std::string_view script() const { return {block.get() + binary_len + cwd_len, script_len}; }
  // argv, a NUL after each. At most TreeOptions::kept_args bytes of it are kept here.
  std::string_view args() const { return {block.get() + binary_len + cwd_len + script_len, args_len}; }
  bool args_cut() const { return args_len < args_size; }
};

enum ProcessFlags : uint32_t {
  kProcessExec = 1 << 0,      // began with an exec
  kProcessClone = 1 << 1,     // a clone preceded (for an exec: directly)
  kProcessSnapshot = 1 << 2,  // was running when we started
  kProcessUnknown = 1 << 3,   // neither its fork, its exec nor the snapshot told of it
  kProcessInInit = 1 << 4,    // descends from the first process of its container (or is it)
  kProcessExited = 1 << 5,
  kProcessReplaced = 1 << 6,     // exec made a newer Process of the same pid
  kProcessApproximate = 1 << 7,  // start_ns is rounded down to a clock tick (procfs) until a record tells it exactly
};

// One life: from a fork or an exec (or the snapshot) to the next exec or the exit. An exec that directly follows its
// fork takes the parent of the fork; a further exec has the image before it as its parent.
struct Process {
  mutable uint32_t refs = 0;
  uint32_t pid = 0;
  uint32_t ns_pid = 0;
  uint32_t flags = 0;     // ProcessFlags
  uint64_t start_ns = 0;  // of the thread group leader; with pid the key
  uint64_t birth_ns = 0;  // of this life: exec time, or start_ns for a clone and for the snapshot. Part of the exec id
  uint64_t exit_ns = 0;
  uint64_t known_ns = 0;  // when the snapshot saw it: an older exec record tells nothing new
  Ref<Process> parent;    // at creation; stays when the parent has exited. Empty: not known (or cut by the cap)
  Ref<Image> image;       // never empty
  Ref<Context> context;   // never empty
  mutable RenderCache render;

  bool has(ProcessFlags flag) const { return (flags & flag) != 0; }

 private:
  friend class ProcessTree;
  friend void dispose(Process* process);
  class ProcessTree* owner_ = nullptr;
  Process* bucket_next_ = nullptr;  // hash chain
  Process* list_prev_ = nullptr;    // one of the tree's three lists
  Process* list_next_ = nullptr;
  enum class Place : uint8_t { kNone, kLiving, kExited, kRetained } place_ = Place::kNone;
};

void dispose(Context* context);
void dispose(Image* image);
void dispose(Process* process);

}  // namespace trigon::process
