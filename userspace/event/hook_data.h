// HookDataStore: buffers that are longer than a record (`maxData`). Their first bytes are in the hook record; the rest
// came in TRIGON_REC_HOOK_DATA records of the same thread right before it, and waits here.
//
// Bytes are handed on only when they can belong to nothing else: they came from the same thread on the same cpu, no
// record was lost there in between, and they continue what the record holds without a gap. What a thread left behind
// because its hook record was lost goes when it is found to be old, or when room is needed. Single-threaded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "event/decode.h"

namespace trigon::event {

// Of one field, the part in the record included: what the policy language allows (327,360) rounded up.
constexpr size_t kMaxHookData = 320 * 1024;

struct HookDataOptions {
  // Threads that wait. Data and hook record follow each other closely on a cpu, so no more than there are cpus do.
  size_t max_threads = 512;
  size_t max_bytes = 16 << 20;  // over all threads
};

struct HookDataCounters {
  uint64_t stored = 0;   // data records
  uint64_t dropped = 0;  // of those, not handed on: no room, a gap before them, or their hook record never came
};

class HookDataStore {
 public:
  explicit HookDataStore(HookDataOptions options = {}) : options_(options) {}

  void put(const HookData& data);
  // Gives `hook` what belongs to its fields. The views are valid until the next call of put() or attach(). Costs
  // nothing when nobody waits.
  void attach(Hook* hook) {
    if (!waiting_.empty() || holding_) attach_waiting(hook);
  }
  size_t bytes() const { return bytes_; }
  size_t threads() const { return waiting_.size(); }
  const HookDataCounters& counters() const { return counters_; }

 private:
  struct Part {
    uint32_t field = 0;
    uint32_t offset = 0;  // of the first byte, in the whole
    uint64_t records = 0;
    std::string bytes;
  };
  struct Thread {
    uint32_t tid = 0;
    uint16_t cpu = 0;
    uint32_t lost = 0;  // trigon_record.lost of the first record
    std::deque<Part> parts;
  };
  using Threads = std::deque<Thread>;

  void attach_waiting(Hook* hook);
  void drop(Threads::iterator thread);
  void forget(Thread* thread);
  Threads::iterator find(uint32_t tid);

  HookDataOptions options_;
  Threads waiting_;  // oldest first
  size_t bytes_ = 0;
  std::array<std::string, TRIGON_MAX_FIELDS> whole_;  // of the hook that was last
  bool holding_ = false;                              // some of it is in use
  std::array<std::string_view, TRIGON_MAX_FIELDS> views_;
  HookDataCounters counters_;
};

}  // namespace trigon::event
