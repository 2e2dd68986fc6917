// InstanceLock: one agent per machine. Held by an flock(2) on a pid file, so that a killed agent leaves nothing stale.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace trigon::daemon {

class InstanceLock {
 public:
  // Makes the directory if needed. kBusy names the pid of the one that runs.
  static Result<InstanceLock> acquire(const std::string& path = "/run/trigon/trigon.pid");

 private:
  explicit InstanceLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace trigon::daemon
