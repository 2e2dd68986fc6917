// EventLoop: the one thread of the agent. Reads the ring in batches and looks after everything else in between.
//
// Wake-ups are the largest cost of an event in the process that causes it, so the loop asks for one only when nothing
// has happened for a while. As long as records come it looks by itself, every millisecond under load and every few
// milliseconds otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "base/fd.h"
#include "base/result.h"
#include "bpf/sensor.h"

namespace trigon::daemon {

class EventLoop {
 public:
  using Callback = std::function<void()>;

  static Result<EventLoop> create();

  // `callback` runs when fd is readable. The fd stays the caller's.
  Result<void> watch(int fd, Callback callback);
  void unwatch(int fd);
  // Runs once a second.
  void every_second(Callback callback) { tick_ = std::move(callback); }

  // Until stop(): records go to `handler`, `batch_end` follows each batch.
  Result<void> run(bpf::Sensor* sensor, const bpf::Sensor::Handler& handler, const Callback& batch_end);
  void stop() { stopping_ = true; }

 private:
  explicit EventLoop(Fd epoll) : epoll_(std::move(epoll)) {}
  // Waits at most timeout_us (-1: until something happens) and runs the callbacks; true: the ring is readable.
  bool wait(int64_t timeout_us);

  Fd epoll_;
  std::map<int, Callback> callbacks_;
  Callback tick_;
  bool stopping_ = false;
  int ring_fd_ = -1;
};

}  // namespace trigon::daemon
