#include "daemon/policy_dir.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace trigon::daemon {

void report_failures(const std::vector<engine::PolicyFailure>& failures) {
  for (const engine::PolicyFailure& failure : failures)
    fmt::print(stderr, "trigon: policy {} is not in force: {}\n", failure.policy, failure.error.message());
}

Result<std::unique_ptr<PolicyDir>> PolicyDir::open(std::string path, Runtime* runtime) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  std::unique_ptr<PolicyDir> self(new PolicyDir(std::move(path), runtime));
  // Before the first reading, so that a change in between is seen.
  self->inotify_.reset(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!self->inotify_) return Error::from_errno("inotify_init1");
  constexpr uint32_t kEvents =
      IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_MODIFY | IN_ONLYDIR;
  if (inotify_add_watch(self->inotify_.get(), self->path_.c_str(), kEvents) < 0)
    return Error::from_errno(fmt::format("watch policy directory {}", self->path_));
  return self;
}

Result<std::map<std::string, PolicyDir::Stamp>> PolicyDir::list() const {
  std::map<std::string, Stamp> files;
  std::error_code error;
  std::filesystem::directory_iterator directory(path_, error);
  if (error) return Error::from_errno(error.value(), fmt::format("read policy directory {}", path_));
  for (const auto& entry : directory) {
    const std::string extension = entry.path().extension();
    if (extension != ".yaml" && extension != ".yml") continue;
    struct stat st;
    // Follows links: a mounted ConfigMap is made of them.
    if (stat(entry.path().c_str(), &st) != 0 || !S_ISREG(st.st_mode)) continue;
    files[entry.path()] = {
        st.st_ino, static_cast<uint64_t>(st.st_size),
        static_cast<uint64_t>(st.st_mtim.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(st.st_mtim.tv_nsec)};
  }
  return files;
}

Result<void> PolicyDir::load_all() {
  TRIGON_TRY(auto files, list());
  std::vector<engine::PolicyStore::Change> changes;
  for (const auto& [path, stamp] : files) {
    policy::Loaded loaded = policy::load_paths(std::vector<std::string>{path}, runtime_->policy_options());
    if (!loaded.ok())
      fmt::print(stderr, "{}trigon: {}: not loaded\n", policy::format(loaded.diagnostics), path);
    else
      changes.push_back({path, std::move(loaded.policies)});
  }
  // All at once; when they do not fit together, one after the other, so that only those that do not are left out.
  auto all = store_->replace(changes);
  if (all.ok()) {
    report_failures(*all);
  } else {
    for (engine::PolicyStore::Change& change : changes) {
      const std::string path = change.origin;
      auto one = store_->replace(path, std::move(change.policies));
      if (one.ok())
        report_failures(*one);
      else
        fmt::print(stderr, "trigon: {}: {}; not loaded\n", path, one.error().message());
    }
  }
  runtime_->forget_kernel();
  files_ = std::move(files);
  return {};
}

Result<void> PolicyDir::watch(EventLoop* loop) {
  return loop->watch(inotify_.get(), [this] { on_change(); });
}

void PolicyDir::on_change() {
  alignas(inotify_event) char buffer[8192];
  bool settled = false;
  for (ssize_t n; (n = ::read(inotify_.get(), buffer, sizeof(buffer))) > 0;) {
    for (ssize_t at = 0; at < n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(*event) + event->len);
      const std::string path = event->len > 0 ? path_ + "/" + event->name : path_;
      // A file is read when its writer has closed it: the beginning of a policy can be a valid policy with less in it.
      bool writing = (event->mask & IN_MODIFY) != 0;
      if (event->mask & IN_CREATE) {
        struct stat st;
        writing = lstat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;  // links are complete
      }
      if (writing) {
        unfinished_.insert(path);
      } else {
        unfinished_.erase(path);
        settled = true;
      }
      if (event->mask & IN_Q_OVERFLOW) unfinished_.clear();
    }
  }
  if (settled) rescan();
}

void PolicyDir::rescan() {
  auto files = list();
  if (!files.ok()) {
    fmt::print(stderr, "trigon: {}\n", files.error().message());
    return;
  }
  // What went first: its name may have moved to another file.
  for (const auto& [path, stamp] : files_) {
    if (files->contains(path)) continue;
    if (auto removed = store_->replace(path, {}); !removed.ok())
      fmt::print(stderr, "trigon: {}: {}\n", path, removed.error().message());
    else
      fmt::print(stderr, "trigon: {}: gone, its policies are out of force\n", path);
  }
  std::map<std::string, Stamp> now;  // what has been looked at
  for (const auto& [path, stamp] : *files) {
    const auto known = files_.find(path);
    if (!unfinished_.contains(path)) now[path] = stamp;
    if (known != files_.end() && known->second == stamp) continue;
    if (unfinished_.contains(path)) {
      // As if it had not changed yet.
      if (known != files_.end()) now[path] = known->second;
      continue;
    }
    policy::Loaded loaded = policy::load_paths(std::vector<std::string>{path}, runtime_->policy_options());
    if (!loaded.ok()) {
      fmt::print(stderr, "{}trigon: {}: not taken over; what was in force stays\n", policy::format(loaded.diagnostics),
                 path);
      continue;
    }
    const size_t count = loaded.policies.size();
    if (auto replaced = store_->replace(path, std::move(loaded.policies)); !replaced.ok())
      fmt::print(stderr, "trigon: {}: {}; what was in force stays\n", path, replaced.error().message());
    else {
      report_failures(*replaced);
      const size_t taken = count - replaced->size();
      fmt::print(stderr, "trigon: {}: {} in force\n", path,
                 taken == 1 ? "1 policy" : fmt::format("{} policies", taken));
    }
  }
  runtime_->forget_kernel();
  files_ = std::move(now);
}

}  // namespace trigon::daemon
