// PendingData: long arguments and environments that arrived before the exec record they belong to. Bounded in entries
// and bytes; what does not fit pushes out the oldest. Single-threaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace trigon::process {

struct PendingOptions {
  size_t max_entries = 64;
  size_t max_bytes = 4 << 20;
};

struct PendingCounters {
  uint64_t stored = 0;
  uint64_t evicted = 0;  // pushed out before their exec came
};

class PendingData {
 public:
  explicit PendingData(PendingOptions options = {}) : options_(options) {}

  // what: enum trigon_exec_data_what. A later one of the same process and kind replaces the earlier (its exec failed).
  void put(uint32_t pid, uint64_t start_ns, uint32_t what, std::string_view data);
  // Moves it out; false: not there.
  bool take(uint32_t pid, uint64_t start_ns, uint32_t what, std::string* data);
  // Forgets what a process left behind.
  void drop(uint32_t pid, uint64_t start_ns);
  bool empty() const { return entries_.empty(); }
  size_t bytes() const { return bytes_; }
  const PendingCounters& counters() const { return counters_; }

 private:
  struct Entry {
    uint64_t start_ns;
    uint32_t pid;
    uint32_t what;
    std::string data;
  };

  PendingOptions options_;
  std::deque<Entry> entries_;
  size_t bytes_ = 0;
  PendingCounters counters_;
};

}  // namespace trigon::process
