// StatusServer: the agent's counters as Prometheus text on /metrics, and /healthz. HTTP/1.0 in spirit: one request, one
// answer, close. Runs in the event loop; connections are few and bounded, a slow one is dropped.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/event_loop.h"
#include "daemon/runtime.h"

namespace trigon::daemon {

// All counters in the text exposition format.
std::string metrics_text(const RuntimeCounters& counters);

class StatusServer {
 public:
  // address: "HOST:PORT", ":PORT" (all addresses) or "[IPV6]:PORT". Numeric hosts and "localhost" only.
  static Result<std::unique_ptr<StatusServer>> listen(const std::string& address, Runtime* runtime);
  Result<void> watch(EventLoop* loop);

 private:
  struct Connection {
    Fd fd;
    std::string request;
  };
  StatusServer(Fd fd, Runtime* runtime) : fd_(std::move(fd)), runtime_(runtime) {}
  void accept_all();
  void on_readable(int fd);
  void drop(int fd);

  static constexpr size_t kMaxConnections = 16;
  static constexpr size_t kMaxRequest = 4096;

  Fd fd_;
  Runtime* runtime_;
  EventLoop* loop_ = nullptr;
  std::map<int, Connection> connections_;
};

}  // namespace trigon::daemon
