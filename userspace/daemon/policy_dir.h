// PolicyDir: a directory whose files are policies. A file that appears, changes or goes is a policy that does.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/event_loop.h"
#include "engine/store.h"

namespace trigon::daemon {

// Single-threaded. The store and the loop must outlive it.
class PolicyDir {
 public:
  static Result<std::unique_ptr<PolicyDir>> open(std::string path, engine::PolicyStore* store);

  // Everything that is there; nothing when one file is wrong (kInvalidPolicy with all diagnostics).
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

  PolicyDir(std::string path, engine::PolicyStore* store) : path_(std::move(path)), store_(store) {}
  Result<std::map<std::string, Stamp>> list() const;
  void on_change();

  std::string path_;
  engine::PolicyStore* store_;
  std::map<std::string, Stamp> files_;
  std::set<std::string> unfinished_;  // paths of files that somebody is writing
  Fd inotify_;
};

}  // namespace trigon::daemon
