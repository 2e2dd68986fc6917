#include "sys/clock.h"

#include <ctime>

#include <limits>

namespace trigon::sys {
namespace {

constexpr int kBrackets = 8;
constexpr int64_t kKeepNs = 1000;

int64_t read_ns(clockid_t clock) {
  timespec ts{};
  ::clock_gettime(clock, &ts);
  return static_cast<int64_t>(ts.tv_sec) * 1'000'000'000 + ts.tv_nsec;
}

int64_t measure_offset() {
  int64_t narrowest = std::numeric_limits<int64_t>::max();
  int64_t offset = 0;
  for (int i = 0; i < kBrackets; ++i) {
    const int64_t before = read_ns(CLOCK_BOOTTIME);
    const int64_t wall = read_ns(CLOCK_REALTIME);
    const int64_t after = read_ns(CLOCK_BOOTTIME);
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    offset = wall - (before + (after - before) / 2);
  }
  return offset;
}

}  // namespace

uint64_t boot_now_ns() { return static_cast<uint64_t>(read_ns(CLOCK_BOOTTIME)); }

BootClock::BootClock() : offset_ns_(measure_offset()) {}

void BootClock::update() {
  const int64_t offset = measure_offset();
  const int64_t change = offset - offset_ns_;
  if (change > kKeepNs || change < -kKeepNs) offset_ns_ = offset;
}

}  // namespace trigon::sys
