// Launcher: a command that waits until the agent is ready for it, then runs as if the shell had started it.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace trigon::daemon {

class Launcher {
 public:
  // Forks. The child waits before its exec.
  static Result<Launcher> prepare(std::vector<std::string> command);
  Launcher(Launcher&&) = default;
  Launcher& operator=(Launcher&&) = default;
  // A child that was not released is ended.
  ~Launcher();

  int pid() const { return pid_; }
  // Readable when the child has ended.
  int pidfd() const { return pidfd_.get(); }
  // Lets the child go on to its exec.
  Result<void> release();
  // After the child has ended: its exit code as a shell counts it (128 + signal).
  int wait();

 private:
  Launcher(int pid, Fd pidfd, Fd gate) : pid_(pid), pidfd_(std::move(pidfd)), gate_(std::move(gate)) {}
  int pid_ = -1;
  Fd pidfd_;
  Fd gate_;  // closing it without a byte ends the child
};

}  // namespace trigon::daemon
