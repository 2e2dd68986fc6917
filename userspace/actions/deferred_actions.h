// DeferredActions: what events make the agent do outside the kernel, GetUrl and DnsLookup. In a thread of its own, so
// that no destination can hold up an event.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "actions/destination.h"
#include "actions/dns_lookup.h"
#include "base/result.h"

namespace trigon::actions {

enum class Kind { kGetUrl, kDnsLookup };
constexpr size_t kKinds = 2;

struct Options {
  std::vector<std::string> allow_get_url;     // URL prefixes (Url); "*": all
  std::vector<std::string> allow_dns_lookup;  // name suffixes; "*": all
  // Of one request, from when it begins. DNS rounds it up to seconds.
  std::chrono::milliseconds deadline{2000};
  // Requests that wait. One is done after the other: what comes faster than the destinations answer is dropped.
  size_t queue = 256;
  // Instead of the system's.
  std::optional<NameServer> name_server;
};

// Since the start. Each submitted request is counted once, when it is known what became of it.
struct Counters {
  uint64_t done = 0;     // the destination answered
  uint64_t failed = 0;   // it did not, or not in time
  uint64_t refused = 0;  // not allowed, or no valid URL or name
  uint64_t dropped = 0;  // too many were waiting, or the agent stopped
};

// submit(), check(), counters() and take_problem() may be called from any thread.
class DeferredActions {
 public:
  // kUsage: a prefix or suffix is none.
  static Result<std::unique_ptr<DeferredActions>> create(Options options);
  // As stop().
  ~DeferredActions();
  DeferredActions(const DeferredActions&) = delete;
  DeferredActions& operator=(const DeferredActions&) = delete;

  // Whether the operator allows it; for messages when a policy is loaded.
  Result<void> check(Kind kind, std::string_view target) const;
  // Returns at once. The thread starts with the first request that is accepted, with the privileges of the caller and
  // all signals blocked.
  void submit(Kind kind, std::string_view target);

  Counters counters(Kind kind) const;
  // The last thing that went wrong since the previous call; empty: nothing did. For a log that is not flooded.
  std::string take_problem();

  // Ends the request that is on its way (a DNS question at its deadline) and drops those that wait.
  void stop();

 private:
  struct Request {
    Kind kind;
    std::string target;
  };
  struct AtomicCounters {
    std::atomic<uint64_t> done{0}, failed{0}, refused{0}, dropped{0};
  };

  DeferredActions(Options options, AllowList allowed) : options_(std::move(options)), allowed_(std::move(allowed)) {}
  AtomicCounters& of(Kind kind) { return counters_[static_cast<size_t>(kind)]; }
  bool start_thread();
  void work();
  void set_problem(const std::string& text);

  const Options options_;
  const AllowList allowed_;
  std::array<AtomicCounters, kKinds> counters_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Request> waiting_;  // with mutex_
  std::thread thread_;           // with mutex_
  std::mutex problem_mutex_;
  std::string problem_;  // with problem_mutex_
};

}  // namespace trigon::actions
