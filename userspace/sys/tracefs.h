// Tracefs: files of the tracing file system, whether or not it is mounted somewhere.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace trigon::sys {

// Any thread; each call opens and closes its file.
class Tracefs {
 public:
  // A mount of our own that no directory shows (fsopen and fsmount, Linux 5.2, CAP_SYS_ADMIN), so neither fresh
  // machines nor containers need to mount anything; otherwise /sys/kernel/tracing, then /sys/kernel/debug/tracing.
  static Result<Tracefs> open();
  // A directory that looks like one, for tests.
  static Result<Tracefs> at(const std::string& directory);

  // The whole of a file below the root: "events/sched/sched_switch/format". Names come from policies, so a path that
  // is absolute or has a ".." in it is kUsage; kNotFound when there is no such file.
  Result<std::string> read(const std::string& path) const;
  // The names in a directory, sorted.
  Result<std::vector<std::string>> list(const std::string& path) const;
  // Where it was found, for messages: "tracefs" (our own mount) or the directory.
  const std::string& where() const { return where_; }

 private:
  Tracefs(Fd root, std::string where) : root_(std::move(root)), where_(std::move(where)) {}
  Error error(int err, const std::string& path) const;

  Fd root_;
  std::string where_;
};

}  // namespace trigon::sys
