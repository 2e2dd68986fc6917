#include "daemon/status.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iterator>

namespace trigon::daemon {

namespace {

constexpr const char* kKindNames[] = {"none",     "exec", "exec_data", "fork",      "exit",
                                      "snapshot", "hook", "cgroup",    "hook_data", "loader"};
static_assert(std::size(kKindNames) == TRIGON_REC_LOADER + 1 && std::size(kKindNames) <= TRIGON_REC_KINDS);

class Text {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void sample(std::string_view name, std::string_view labels, uint64_t value) {
    out_ += labels.empty() ? fmt::format("{} {}\n", name, value) : fmt::format("{}{{{}}} {}\n", name, labels, value);
  }
  void one(std::string_view name, std::string_view type, std::string_view help, uint64_t value) {
    family(name, type, help);
    sample(name, {}, value);
  }
  std::string take() && { return std::move(out_); }

 private:
  std::string out_;
};

std::string label_value(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace

std::string metrics_text(const RuntimeCounters& c) {
  Text text;
  text.family("trigon_records_produced_total", "counter", "Records that programs tried to write, by kind.");
  for (size_t i = 1; i < std::size(kKindNames); ++i)
    text.sample("trigon_records_produced_total", fmt::format("kind=\"{}\"", kKindNames[i]), c.sensor.total.produced[i]);
  text.family("trigon_records_lost_total", "counter", "Records that a full ring refused, by kind.");
  for (size_t i = 1; i < std::size(kKindNames); ++i)
    text.sample("trigon_records_lost_total", fmt::format("kind=\"{}\"", kKindNames[i]), c.sensor.total.lost[i]);
  text.one("trigon_records_consumed_total", "counter", "Records read from the ring.", c.pipeline.consumed_total);
  text.one("trigon_records_malformed_total", "counter", "Records that could not be decoded.", c.pipeline.malformed);
  text.one("trigon_program_misses_total", "counter", "Runs that the kernel skipped because the program was running.",
           c.sensor.recursion_misses);
  text.one("trigon_match_overflow_total", "counter", "Matches beyond what one event can report.",
           c.sensor.total.match_overflow);
  text.one("trigon_state_failures_total", "counter", "Process states that could not be stored.",
           c.sensor.total.state_failures);
  text.one("trigon_signals_total", "counter", "Signals sent by policies.", c.sensor.total.signals);
  text.one("trigon_signal_failures_total", "counter", "Signals that the kernel refused.",
           c.sensor.total.signal_failures);
  text.one("trigon_overrides_total", "counter", "Calls that policies answered with an error.",
           c.sensor.total.overrides);
  text.one("trigon_rate_limited_total", "counter", "Events not written because of rateLimit.",
           c.sensor.total.rate_limited);
  text.one("trigon_nested_hooks_lost_total", "counter", "Events lost because too many hooks ran on one CPU at once.",
           c.sensor.total.scratch_busy);
  text.one("trigon_returns_lost_total", "counter", "Entries lost because too many calls were waiting for their return.",
           c.sensor.total.pending_full);
  text.family("trigon_events_total", "counter", "Events by type, before filters.");
  text.sample("trigon_events_total", "type=\"PROCESS_EXEC\"", c.pipeline.exec_events);
  text.sample("trigon_events_total", "type=\"PROCESS_EXIT\"", c.pipeline.exit_events);
  text.sample("trigon_events_total", "type=\"POLICY\"", c.pipeline.hook_events);
  text.one("trigon_process_tree_entries", "gauge", "Processes that are remembered, exited ones included.",
           c.tree.entries);
  text.one("trigon_process_tree_living", "gauge", "Living processes.", c.tree.living);
  text.one("trigon_process_tree_cap", "gauge", "Most entries that there may be.", c.tree.cap);
  text.family("trigon_process_tree_evicted_total", "counter", "Entries given up for the cap.");
  text.sample("trigon_process_tree_evicted_total", "state=\"exited\"", c.tree.evicted_exited);
  text.sample("trigon_process_tree_evicted_total", "state=\"living\"", c.tree.evicted_living);
  text.one("trigon_process_tree_unknown_total", "counter", "Events of processes that nothing had told of.",
           c.tree.unknown);
  text.one("trigon_process_tree_duplicate_exits_total", "counter",
           "Second reports of an exit: two threads left last together.", c.tree.duplicate_exits);
  text.family("trigon_sink_events_total", "counter", "Lines written, by sink.");
  for (const auto& [path, sink] : c.sinks)
    text.sample("trigon_sink_events_total", fmt::format("sink=\"{}\"", label_value(path)), sink.events);
  text.family("trigon_sink_dropped_total", "counter", "Lines that a sink could not take.");
  for (const auto& [path, sink] : c.sinks)
    text.sample("trigon_sink_dropped_total", fmt::format("sink=\"{}\"", label_value(path)), sink.dropped);
  text.one("trigon_map_memory_bytes", "gauge", "Kernel memory of the maps.", c.map_bytes);
  text.one("trigon_policies", "gauge", "Policies in force.", c.policies);
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    text.family(name, type, help);
    for (const engine::PolicyStatus& policy : c.policy_status)
      text.sample(name, fmt::format("policy=\"{}\"", label_value(policy.name)), value(policy));
  };
  text.family("trigon_policy_state", "gauge", "1 for the state that a policy is in.");
  for (const engine::PolicyStatus& policy : c.policy_status)
    text.sample("trigon_policy_state",
                fmt::format("policy=\"{}\",state=\"{}\",mode=\"{}\"", label_value(policy.name),
                            engine::policy_state_name(policy.state),
                            policy.mode == policy::Mode::kMonitor ? "monitor" : "enforce"),
                1);
  each("trigon_policy_kernel_memory_bytes", "gauge", "Kernel memory of a policy's tables and its share of programs.",
       [](const auto& p) { return p.kernel_bytes; });
  each("trigon_policy_matches_total", "counter", "Events that a selector of the policy matched.",
       [](const auto& p) { return p.counts.matches; });
  each("trigon_policy_posts_total", "counter", "Of those, written.", [](const auto& p) { return p.counts.posts; });
  each("trigon_policy_rate_limited_total", "counter", "Of those, not written because of rateLimit.",
       [](const auto& p) { return p.counts.limited; });
  each("trigon_policy_enforced_total", "counter", "Signals sent and calls answered with an error.",
       [](const auto& p) { return p.counts.signals + p.counts.overrides; });
  each("trigon_policy_monitored_total", "counter", "Enforcing actions that monitor mode held back.",
       [](const auto& p) { return p.counts.monitored; });
  return std::move(text).take();
}

Result<std::unique_ptr<StatusServer>> StatusServer::listen(const std::string& address, Runtime* runtime) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos)
    return Error(ErrorCode::kUsage, fmt::format("--metrics-server {}: must be HOST:PORT or :PORT", address));
  std::string host = address.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int err = getaddrinfo(host.empty() ? nullptr : host.c_str(), address.c_str() + colon + 1, &hints, &found))
    return Error(ErrorCode::kUsage, fmt::format("--metrics-server {}: {}", address, gai_strerror(err)));
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> guard(found, freeaddrinfo);
  Fd fd(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (!fd || bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd.get(), 16) != 0)
    return Error::from_errno(fmt::format("listen for metrics on {}", address));
  return std::unique_ptr<StatusServer>(new StatusServer(std::move(fd), runtime));
}

Result<void> StatusServer::watch(EventLoop* loop) {
  loop_ = loop;
  return loop->watch(fd_.get(), [this] { accept_all(); });
}

void StatusServer::accept_all() {
  for (;;) {
    Fd fd(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    // The oldest makes room: a client that opens connections and says nothing keeps nobody out.
    if (connections_.size() >= kMaxConnections) drop(connections_.begin()->first);
    const int number = fd.get();
    if (!loop_->watch(number, [this, number] { on_readable(number); }).ok()) continue;
    connections_[number] = {std::move(fd), {}};
  }
}

void StatusServer::drop(int fd) {
  loop_->unwatch(fd);
  connections_.erase(fd);
}

void StatusServer::on_readable(int fd) {
  std::string& request = connections_[fd].request;
  char buffer[1024];
  ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0 || request.size() + static_cast<size_t>(n) > kMaxRequest) return drop(fd);
  request.append(buffer, static_cast<size_t>(n));
  if (request.find("\r\n\r\n") == std::string::npos && request.find("\n\n") == std::string::npos) return;
  std::string status = "200 OK", body;
  if (request.starts_with("GET /metrics ") || request.starts_with("GET /metrics?")) {
    body = metrics_text(runtime_->counters());
  } else if (request.starts_with("GET /healthz ")) {
    body = "ok\n";
  } else {
    status = request.starts_with("GET ") ? "404 Not Found" : "405 Method Not Allowed";
    body = status + "\n";
  }
  const std::string answer = fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\n"
      "Connection: close\r\n\r\n{}",
      status, body.size(), body);
  // A few kilobytes fit into any socket buffer; what does not is a client's problem.
  (void)send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  drop(fd);
}

}  // namespace trigon::daemon
