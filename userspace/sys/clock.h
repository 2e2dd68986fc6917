// BootClock: from the boot clock, which all records use, to the wall clock.
#pragma once

#include <cstdint>

namespace trigon::sys {

// Nanoseconds of CLOCK_BOOTTIME.
uint64_t boot_now_ns();

// The difference between the two clocks, measured by reading the wall clock between two readings of the boot clock;
// the narrowest of several brackets counts, so that a preemption in between does not matter. Changes when the wall
// clock is set: update() now and then (each second is plenty). Single-threaded.
class BootClock {
 public:
  BootClock();
  // With a fixed difference, for tests and replay.
  explicit BootClock(int64_t offset_ns) : offset_ns_(offset_ns) {}

  // Measures again. A difference under a microsecond is kept as it is: times of one process stay comparable.
  void update();
  int64_t offset_ns() const { return offset_ns_; }
  // Nanoseconds since 1970, UTC.
  uint64_t wall_ns(uint64_t boot_ns) const { return boot_ns + static_cast<uint64_t>(offset_ns_); }

 private:
  int64_t offset_ns_ = 0;
};

}  // namespace trigon::sys
