// PolicyDir: a directory whose files are policies. A file that appears, changes or goes is a policy that does.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/event_loop.h"
#include "daemon/runtime.h"
#include "engine/store.h"

namespace trigon::daemon {

// Single-threaded. The runtime must outlive it.
class PolicyDir {
 public:
  static Result<std::unique_ptr<PolicyDir>> open(std::string path, Runtime* runtime);

  // Everything that is there. A file that is wrong, or that this kernel cannot serve, is reported to stderr and leaves
  // the others alone.
  Result<void> load_all();
  // From now on changes are followed. Editors write in many ways, so the directory is compared, not the event.
  Result<void> watch(EventLoop* loop);
  // Reads what differs from last time. A file that is wrong is reported to stderr and leaves in force what it held.
  void rescan();

 private:
  // Of a file when it was read; a change of any is a change of the file.
  struct Stamp {
    uint64_t inode = 0, size = 0, modified_ns = 0;
    bool operator==(const Stamp&) const = default;
  };

  PolicyDir(std::string path, Runtime* runtime)
      : path_(std::move(path)), runtime_(runtime), store_(&runtime->policies()) {}
  Result<std::map<std::string, Stamp>> list() const;
  void on_change();

  std::string path_;
  Runtime* runtime_;
  engine::PolicyStore* store_;
  std::map<std::string, Stamp> files_;
  std::set<std::string> unfinished_;  // paths of files that somebody is writing
  Fd inotify_;
};

// One line each to stderr: what this kernel cannot serve, and why.
void report_failures(const std::vector<engine::PolicyFailure>& failures);

}  // namespace trigon::daemon
