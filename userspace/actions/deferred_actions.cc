#include "actions/deferred_actions.h"

#include <pthread.h>
#include <signal.h>

#include <system_error>
#include <utility>

#include "actions/http_get.h"

namespace trigon::actions {

Result<std::unique_ptr<DeferredActions>> DeferredActions::create(Options options) {
  TRIGON_TRY(AllowList allowed, AllowList::create(options.allow_get_url, options.allow_dns_lookup));
  return std::unique_ptr<DeferredActions>(new DeferredActions(std::move(options), std::move(allowed)));
}

DeferredActions::~DeferredActions() { stop(); }

Result<void> DeferredActions::check(Kind kind, std::string_view target) const {
  return kind == Kind::kGetUrl ? allowed_.check_url(target) : allowed_.check_name(target);
}

void DeferredActions::submit(Kind kind, std::string_view target) {
  if (const auto allowed = check(kind, target); !allowed.ok()) {
    of(kind).refused.fetch_add(1, std::memory_order_relaxed);
    set_problem(allowed.error().message());
    return;
  }
  std::string problem;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_)
      problem = "the agent stops";
    else if (waiting_.size() >= options_.queue)
      problem = std::to_string(options_.queue) + " requests are waiting";
    else if (!thread_.joinable() && !start_thread())
      problem = "no thread could be started";
    else
      waiting_.push_back({kind, std::string(target)});
  }
  if (problem.empty()) {
    arrived_.notify_one();
    return;
  }
  of(kind).dropped.fetch_add(1, std::memory_order_relaxed);
  set_problem("deferred actions: " + problem + ", so " + std::string(target) + " was dropped");
}

bool DeferredActions::start_thread() {
  // Signals are for the thread that waits for them.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  bool is_started = true;
  try {
    thread_ = std::thread([this] { work(); });
    ::pthread_setname_np(thread_.native_handle(), "trigon-actions");
  } catch (const std::system_error&) {
    is_started = false;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return is_started;
}

void DeferredActions::work() {
  HttpGet http(&stopping_);
  for (;;) {
    Request request;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      request = std::move(waiting_.front());
      waiting_.pop_front();
    }
    const auto result = request.kind == Kind::kGetUrl
                            ? http.run(request.target, options_.deadline)
                            : dns_lookup(request.target, options_.deadline, options_.name_server);
    AtomicCounters& counters = of(request.kind);
    (result.ok() ? counters.done : counters.failed).fetch_add(1, std::memory_order_relaxed);
    if (!result.ok()) set_problem(result.error().message());
  }
}

void DeferredActions::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const Request& request : waiting_) of(request.kind).dropped.fetch_add(1, std::memory_order_relaxed);
    waiting_.clear();
    thread = std::move(thread_);
  }
  arrived_.notify_all();
  if (thread.joinable()) thread.join();
}

Counters DeferredActions::counters(Kind kind) const {
  const AtomicCounters& counters = counters_[static_cast<size_t>(kind)];
  return {counters.done.load(std::memory_order_relaxed), counters.failed.load(std::memory_order_relaxed),
          counters.refused.load(std::memory_order_relaxed), counters.dropped.load(std::memory_order_relaxed)};
}

void DeferredActions::set_problem(const std::string& text) {
  const std::lock_guard lock(problem_mutex_);
  problem_ = text;
}

std::string DeferredActions::take_problem() {
  const std::lock_guard lock(problem_mutex_);
  return std::exchange(problem_, {});
}

}  // namespace trigon::actions
