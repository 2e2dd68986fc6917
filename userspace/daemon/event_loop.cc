#include "daemon/event_loop.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <ctime>

namespace trigon::daemon {

namespace {

// Records per batch: enough to make writing worth while, few enough that signals are answered under full load.
constexpr size_t kBatch = 8192;
// A batch of this many means load: look again soon.
constexpr size_t kBusyBatch = 64;
constexpr int64_t kBusyPause_us = 1'000;
constexpr int64_t kPause_us = 5'000;
// Empty looks in a row before the ring is asked for a wake-up.
constexpr int kIdleLooks = 4;

}  // namespace

Result<EventLoop> EventLoop::create() {
  Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return Error::from_errno("epoll_create1");
  return EventLoop(std::move(epoll));
}

Result<void> EventLoop::watch(int fd, Callback callback) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return Error::from_errno("epoll_ctl");
  callbacks_[fd] = std::move(callback);
  return {};
}

void EventLoop::unwatch(int fd) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  callbacks_.erase(fd);
}

bool EventLoop::wait(int64_t timeout_us) {
  // epoll_wait counts milliseconds and epoll_pwait2 needs 5.11: the pause is a ppoll on the epoll descriptor.
  pollfd self{epoll_.get(), POLLIN, 0};
  timespec timeout{timeout_us / 1'000'000, timeout_us % 1'000'000 * 1'000};
  if (ppoll(&self, 1, timeout_us < 0 ? nullptr : &timeout, nullptr) <= 0) return false;
  epoll_event events[16];
  int n = epoll_wait(epoll_.get(), events, 16, 0);
  bool ring = false;
  for (int i = 0; i < n; ++i) {
    if (events[i].data.fd == ring_fd_) {
      ring = true;
      continue;
    }
    auto found = callbacks_.find(events[i].data.fd);
    if (found == callbacks_.end()) continue;
    Callback callback = found->second;  // it may unwatch itself
    callback();
  }
  return ring;
}

Result<void> EventLoop::run(bpf::Sensor* sensor, const bpf::Sensor::Handler& handler, const Callback& batch_end) {
  // The ring's descriptor is readable whenever it holds records: while the loop looks by itself, it must not be asked.
  ring_fd_ = sensor->ring_fd();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = ring_fd_;
  bool armed = false;
  const auto arm = [&](bool wanted) {
    if (wanted == armed) return;
    armed = wanted;
    epoll_ctl(epoll_.get(), wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, ring_fd_, &event);
  };

  Fd timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  itimerspec second{{1, 0}, {1, 0}};
  if (!timer || timerfd_settime(timer.get(), 0, &second, nullptr) != 0) return Error::from_errno("timerfd");
  TRIGON_CHECK(watch(timer.get(), [&] {
    uint64_t expirations;
    if (::read(timer.get(), &expirations, sizeof(expirations)) > 0 && tick_) tick_();
  }));

  int idle = 0;
  while (!stopping_) {
    const size_t n = sensor->consume(handler, kBatch);
    if (n > 0) {
      batch_end();
      idle = 0;
      arm(false);
      wait(n == kBatch ? 0 : n >= kBusyBatch ? kBusyPause_us : kPause_us);
      continue;
    }
    if (++idle <= kIdleLooks) {
      wait(kPause_us);
      continue;
    }
    if (idle == kIdleLooks + 1) {
      // One more look after asking: a record that was being written did not see the wish.
      sensor->sleep();
      wait(kBusyPause_us);
      continue;
    }
    arm(true);
    wait(-1);  // the timer ends it after a second at the latest
    arm(false);
    sensor->sleep();  // a wake-up clears the wish
  }
  arm(false);
  unwatch(timer.get());
  sensor->awake();
  return {};
}

}  // namespace trigon::daemon
