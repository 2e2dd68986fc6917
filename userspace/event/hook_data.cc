#include "event/hook_data.h"

#include <algorithm>
#include <utility>

namespace trigon::event {

HookDataStore::Threads::iterator HookDataStore::find(uint32_t tid) {
  return std::find_if(waiting_.begin(), waiting_.end(), [tid](const Thread& thread) { return thread.tid == tid; });
}

void HookDataStore::forget(Thread* thread) {
  for (const Part& part : thread->parts) {
    bytes_ -= part.bytes.size();
    counters_.dropped += part.records;
  }
  thread->parts.clear();
}

void HookDataStore::drop(Threads::iterator thread) {
  forget(&*thread);
  waiting_.erase(thread);
}

void HookDataStore::put(const HookData& data) {
  const trigon_hook_data& record = *data.record;
  const trigon_record& rec = record.rec;
  ++counters_.stored;
  Threads::iterator thread = find(rec.tid);
  if (thread != waiting_.end() && (thread->cpu != rec.cpu || thread->lost != rec.lost)) {
    drop(thread);  // of a call before this one, or with a hole in it
    thread = waiting_.end();
  }
  const bool too_long = record.offset > kMaxHookData || data.data.size() > kMaxHookData - record.offset;
  if (too_long || data.data.empty() || data.data.size() > options_.max_bytes) {
    ++counters_.dropped;
    return;
  }
  while (!waiting_.empty() && bytes_ + data.data.size() > options_.max_bytes) {
    if (thread == waiting_.begin()) thread = waiting_.end();
    drop(waiting_.begin());
    // Erasing at the front leaves other iterators of a deque valid.
  }
  if (thread == waiting_.end()) {
    if (waiting_.size() >= options_.max_threads) drop(waiting_.begin());
    Thread fresh;
    fresh.tid = rec.tid;
    fresh.cpu = rec.cpu;
    fresh.lost = rec.lost;
    waiting_.push_back(std::move(fresh));
    thread = std::prev(waiting_.end());
  }
  const auto part =
      std::find_if(thread->parts.begin(), thread->parts.end(), [&](const Part& p) { return p.field == record.field; });
  if (part == thread->parts.end()) {
    thread->parts.push_back({record.field, record.offset, 1, std::string(data.data)});
  } else if (record.offset == part->offset + part->bytes.size()) {
    part->bytes.append(data.data);
    ++part->records;
  } else if (record.offset <= part->offset) {
    // It begins again: what was there is of a call whose hook record never came.
    bytes_ -= part->bytes.size();
    counters_.dropped += part->records;
    *part = {record.field, record.offset, 1, std::string(data.data)};
  } else {
    ++counters_.dropped;
    return;
  }
  bytes_ += data.data.size();
}

void HookDataStore::attach_waiting(Hook* hook) {
  if (holding_) {
    for (std::string& whole : whole_) std::string().swap(whole);
    holding_ = false;
  }
  const trigon_hook_event& record = *hook->record;
  const Threads::iterator thread = find(record.rec.tid);
  if (thread == waiting_.end()) return;
  if (thread->cpu != record.rec.cpu || thread->lost != record.rec.lost) {
    drop(thread);
    return;
  }
  hook->whole = views_.data();
  for (auto part = thread->parts.begin(); part != thread->parts.end();) {
    // A hook that interrupted this thread between its data and its record has no field that wants them.
    const bool wanted = part->field < record.fields && record.field[part->field].data.len == part->offset &&
                        record.field[part->field].size >= part->offset + part->bytes.size();
    if (!wanted) {
      ++part;
      continue;
    }
    bytes_ -= part->bytes.size();
    std::string& whole = whole_[part->field];
    whole = std::move(part->bytes);
    whole.insert(0, hook->data(part->field));
    views_[part->field] = whole;
    hook->whole_mask |= 1u << part->field;
    holding_ = true;
    part = thread->parts.erase(part);
  }
  if (thread->parts.empty()) waiting_.erase(thread);
}

}  // namespace trigon::event
