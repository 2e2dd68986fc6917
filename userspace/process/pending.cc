#include "process/pending.h"

#include <algorithm>
#include <utility>

namespace trigon::process {

void PendingData::put(uint32_t pid, uint64_t start_ns, uint32_t what, std::string_view data) {
  std::string replaced;
  take(pid, start_ns, what, &replaced);
  while (!entries_.empty() && (entries_.size() >= options_.max_entries || bytes_ + data.size() > options_.max_bytes)) {
    bytes_ -= entries_.front().data.size();
    entries_.pop_front();
    ++counters_.evicted;
  }
  entries_.push_back({start_ns, pid, what, std::string(data)});
  bytes_ += data.size();
  ++counters_.stored;
}

bool PendingData::take(uint32_t pid, uint64_t start_ns, uint32_t what, std::string* data) {
  const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.pid == pid && entry.start_ns == start_ns && entry.what == what;
  });
  if (it == entries_.end()) return false;
  bytes_ -= it->data.size();
  *data = std::move(it->data);
  entries_.erase(it);
  return true;
}

void PendingData::drop(uint32_t pid, uint64_t start_ns) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (it->pid != pid || it->start_ns != start_ns) {
      ++it;
      continue;
    }
    bytes_ -= it->data.size();
    it = entries_.erase(it);
  }
}

}  // namespace trigon::process
