// The part of ProcessTree that keeps objects: the table, the lists, the grace and the cap.
#include <utility>

#include "process/tree.h"

namespace trigon::process {
namespace {

constexpr size_t kSecondChances = 256;  // per eviction, so that one insertion stays cheap

}  // namespace

void ProcessTree::List::push_back(Process* process) {
  process->list_prev_ = tail;
  process->list_next_ = nullptr;
  (tail != nullptr ? tail->list_next_ : head) = process;
  tail = process;
  ++size;
}

void ProcessTree::List::remove(Process* process) {
  (process->list_prev_ != nullptr ? process->list_prev_->list_next_ : head) = process->list_next_;
  (process->list_next_ != nullptr ? process->list_next_->list_prev_ : tail) = process->list_prev_;
  process->list_prev_ = process->list_next_ = nullptr;
  --size;
}

ProcessTree::List* ProcessTree::list_of(Process::Place place) {
  switch (place) {
    case Process::Place::kLiving:
      return &living_;
    case Process::Place::kExited:
      return &exited_;
    case Process::Place::kRetained:
      return &retained_;
    case Process::Place::kNone:
      break;
  }
  return nullptr;
}

void ProcessTree::move_to(Process* process, Process::Place place) {
  if (List* list = list_of(process->place_); list != nullptr) list->remove(process);
  process->place_ = place;
  if (List* list = list_of(place); list != nullptr) list->push_back(process);
}

Ref<Process> ProcessTree::make(uint32_t pid, uint64_t start_ns) {
  Ref<Process> process(new Process);
  process->pid = pid;
  process->ns_pid = pid;
  process->start_ns = start_ns;
  process->birth_ns = start_ns;
  process->image = no_image_;
  process->context = no_context_;
  process->owner_ = this;
  ++entries_;
  return process;
}

void ProcessTree::insert(const Ref<Process>& process) {
  if (in_table_ >= buckets_.size()) grow();
  Process*& head = buckets_[bucket(process->pid)];
  process->bucket_next_ = head;
  head = process.get();
  ++process->refs;
  ++in_table_;
  move_to(process.get(), Process::Place::kLiving);
  if (entries_ > options_.max_entries) enforce_cap();
}

void ProcessTree::unlink(Process* process) {
  Process** at = &buckets_[bucket(process->pid)];
  while (*at != nullptr && *at != process) at = &(*at)->bucket_next_;
  if (*at == nullptr) return;
  *at = process->bucket_next_;
  process->bucket_next_ = nullptr;
  --in_table_;
}

void ProcessTree::remove(Process* process) {
  unlink(process);
  move_to(process, Process::Place::kRetained);
  Ref<Process> last(process);
  --process->refs;  // the table's
}

void ProcessTree::grow() {
  std::vector<Process*> old = std::exchange(buckets_, std::vector<Process*>(buckets_.size() * 2));
  for (Process* head : old) {
    // A chain is newest first; reversed once here and once by pushing to the front, it stays so.
    Process* reversed = nullptr;
    while (head != nullptr) {
      Process* next = std::exchange(head->bucket_next_, reversed);
      reversed = std::exchange(head, next);
    }
    while (reversed != nullptr) {
      Process* next = reversed->bucket_next_;
      Process*& bucket_head = buckets_[bucket(reversed->pid)];
      reversed->bucket_next_ = std::exchange(bucket_head, reversed);
      reversed = next;
    }
  }
}

void ProcessTree::end_life(Process* process, uint64_t now_ns) {
  if (process->place_ != Process::Place::kLiving) return;
  process->flags |= kProcessExited;
  process->exit_ns = now_ns;
  move_to(process, Process::Place::kExited);
}

void ProcessTree::end_other_lives(uint32_t pid, uint64_t start_ns, uint64_t now_ns) {
  for (Process* process = buckets_[bucket(pid)]; process != nullptr; process = process->bucket_next_) {
    if (process->pid != pid || process->start_ns == start_ns) continue;
    if (process->place_ != Process::Place::kLiving) continue;
    ++counters_.reused_pids;
    end_life(process, now_ns);
  }
}

void ProcessTree::expire(uint64_t now_ns) {
  while (exited_.head != nullptr) {
    const bool is_over = exited_.head->exit_ns + options_.grace_ns <= now_ns;
    if (!is_over && exited_.size <= options_.max_exited) return;
    if (!is_over) ++counters_.evicted_exited;
    remove(exited_.head);
  }
}

void ProcessTree::enforce_cap() {
  while (entries_ > options_.max_entries && exited_.head != nullptr) {
    ++counters_.evicted_exited;
    remove(exited_.head);
  }
  // Long chains of ancestors: a sixteenth at a time, the oldest first.
  for (size_t i = 0; entries_ > options_.max_entries && i < options_.max_entries / 16; ++i) {
    Process* oldest = retained_.head;
    if (oldest == nullptr) break;
    Ref<Process> hold(oldest);
    move_to(oldest, Process::Place::kNone);
    move_to(oldest, Process::Place::kRetained);  // to the end: another one is next
    if (oldest->parent) {
      oldest->parent.reset();
      oldest->render.drop();
      ++counters_.cut_ancestors;
    }
  }
  // The oldest, but one that others descend from would stay in memory all the same: it gets another round.
  size_t second_chances = kSecondChances;
  while (entries_ > options_.max_entries && living_.head != nullptr) {
    Process* oldest = living_.head;
    if (oldest->refs > 1 && second_chances > 0) {
      --second_chances;
      move_to(oldest, Process::Place::kLiving);
      continue;
    }
    ++counters_.evicted_living;
    remove(oldest);
  }
}

}  // namespace trigon::process
