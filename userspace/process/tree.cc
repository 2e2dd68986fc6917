#include "process/tree.h"

#include <utility>

namespace trigon::process {
namespace {

constexpr size_t kFirstBuckets = 1024;
// A process that executes itself in a loop would otherwise grow its chain of former images without end.
constexpr int kOwnImages = 16;
// One clock tick of procfs (USER_HZ is 100 on every architecture that matters).
constexpr uint64_t kTickNs = 10'000'000;

// Cuts the chain of former images of one process behind the newest kOwnImages: the one at the end then descends from
// whoever forked the process.
void bound_own_images(Process* process) {
  Process* at = process;
  for (int i = 0; i < kOwnImages; ++i) {
    Process* up = at->parent.get();
    if (up == nullptr || up->pid != process->pid || up->start_ns != process->start_ns) return;
    at = up;
  }
  Process* up = at->parent.get();
  while (up != nullptr && up->pid == process->pid && up->start_ns == process->start_ns) up = up->parent.get();
  at->parent = Ref<Process>(up);
  at->render.drop();
}

// A placeholder that is filled later may be told a parent that descends from it, if records lie: a circle of references
// would never be freed.
bool descends_from(const Process* process, const Process* from) {
  while (process != nullptr && process != from) process = process->parent.get();
  return process != nullptr;
}

// Whether an exec takes over the place of what was there before, because that was only the fork that led to it (or a
// guess, or a snapshot that already showed this exec).
bool is_same_birth(const Process& before, uint64_t exec_ns) {
  if (before.has(kProcessUnknown)) return true;
  if (before.has(kProcessSnapshot)) return exec_ns <= before.known_ns;
  return before.has(kProcessClone) && !before.has(kProcessExec);
}

}  // namespace

ProcessTree::ProcessTree(TreeOptions options, ContextSource* source)
    : options_(options), source_(source), pending_(options.pending), buckets_(kFirstBuckets) {
  no_image_ = Ref<Image>(new Image);
  auto* context = new Context;
  context->creds.loginuid = context->creds.sessionid = 4294967295;  // unset
  no_context_ = Ref<Context>(context);
  counters_.cap = options_.max_entries;
  // The idle task, the parent of pid 1 and pid 2, has no exec, no fork and is in no listing.
  Ref<Process> idle = make(0, 0);
  idle->flags = kProcessSnapshot;
  auto* image = new Image;
  image->kernel_thread = true;
  constexpr std::string_view kName = "<kernel>";
  image->block = std::make_unique<char[]>(kName.size());
  kName.copy(image->block.get(), kName.size());
  image->binary_len = kName.size();
  idle->image = Ref<Image>(image);
  insert(idle);
  move_to(idle.get(), Process::Place::kNone);  // never evicted
}

ProcessTree::~ProcessTree() {
  for (Process*& head : buckets_) {
    while (head != nullptr) remove(head);
  }
  // Whoever still holds a reference must not reach back into this tree.
  for (Process* process = retained_.head; process != nullptr; process = process->list_next_) process->owner_ = nullptr;
}

Ref<Process> ProcessTree::snapshot(const event::Exec& exec, std::string_view args, bool approximate) {
  const trigon_exec& record = *exec.record;
  Ref<Process> process(find_exact(record.rec.pid, record.rec.start_ns));
  if (process && !process->has(kProcessUnknown)) {
    ++counters_.duplicates;
    return process;
  }
  const bool is_new = !process;
  if (is_new) process = make(record.rec.pid, record.rec.start_ns);
  process->flags = approximate ? kProcessSnapshot | kProcessApproximate : +kProcessSnapshot;
  process->ns_pid = record.task.ns_pid;
  process->known_ns = record.rec.time_ns;
  if (record.rec.pid != record.task.parent_pid) {
    Ref<Process> parent = parent_of(record.task.parent_pid, record.task.parent_start_ns);
    if (is_new || !descends_from(parent.get(), process.get())) process->parent = std::move(parent);
  }
  process->image = make_image(exec, args);
  process->context =
      exec_context(record.task, record.rec.pid, process->parent ? process->parent->context : no_context_);
  process->render.drop();
  mark_in_init(process.get());
  if (is_new) insert(process);
  return process;
}

Ref<Process> ProcessTree::fork(const event::Fork& fork) {
  const trigon_fork& record = *fork.record;
  expire(record.rec.time_ns);
  Ref<Process> process(find_exact(record.rec.pid, record.rec.start_ns));
  if (process && !process->has(kProcessUnknown)) {
    ++counters_.duplicates;
    return {};
  }
  const bool is_new = !process;
  if (is_new) {
    end_other_lives(record.rec.pid, record.rec.start_ns, record.rec.time_ns);
    process = make(record.rec.pid, record.rec.start_ns);
  }
  process->flags = kProcessClone;
  process->ns_pid = record.ns_pid;
  Ref<Process> parent = parent_of(record.parent_pid, record.parent_start_ns);
  process->image = parent->image;
  process->context = forked_context(record, parent->context);
  if (is_new || !descends_from(parent.get(), process.get())) process->parent = std::move(parent);
  process->render.drop();
  mark_in_init(process.get());
  if (is_new) insert(process);
  return process;
}

Ref<Process> ProcessTree::exec(const event::Exec& exec, ExecData* data) {
  const trigon_exec& record = *exec.record;
  const trigon_record& rec = record.rec;
  expire(rec.time_ns);

  *data = {exec.args, exec.env};
  if (!pending_.empty() || (record.flags & (TRIGON_EXEC_ARGS_DATA | TRIGON_EXEC_ENV_DATA)) != 0) {
    const bool want_args = (record.flags & TRIGON_EXEC_ARGS_DATA) != 0;
    const bool want_env = (record.flags & TRIGON_EXEC_ENV_DATA) != 0;
    if (want_args && pending_.take(rec.pid, rec.start_ns, TRIGON_DATA_ARGS, &args_)) {
      data->args = args_;
    } else {
      data->args_lost = want_args;
    }
    if (want_env && pending_.take(rec.pid, rec.start_ns, TRIGON_DATA_ENV, &env_)) {
      data->env = env_;
    } else {
      data->env_lost = want_env;
    }
    pending_.drop(rec.pid, rec.start_ns);
  }

  Ref<Process> before(find_exact(rec.pid, rec.start_ns));
  Ref<Process> process;
  if (!before) {
    end_other_lives(rec.pid, rec.start_ns, rec.time_ns);
    process = make(rec.pid, rec.start_ns);
    process->parent = parent_of(record.task.parent_pid, record.task.parent_start_ns);
    process->flags = kProcessExec | kProcessClone;
    insert(process);
  } else if (is_same_birth(*before, rec.time_ns)) {
    if (!before->parent && rec.pid != record.task.parent_pid) {
      Ref<Process> parent = parent_of(record.task.parent_pid, record.task.parent_start_ns);
      if (!descends_from(parent.get(), before.get())) before->parent = std::move(parent);
    }
    if (before->refs == 2) {  // the table's and ours: nobody has seen it as it was
      process = before;
    } else {
      process = make(rec.pid, rec.start_ns);
      process->parent = before->parent;
    }
    process->flags = kProcessExec | kProcessClone;
  } else {
    process = make(rec.pid, rec.start_ns);
    process->parent = before;
    process->flags = kProcessExec;
    bound_own_images(process.get());
  }
  process->birth_ns = rec.time_ns;
  process->ns_pid = record.task.ns_pid;
  process->image = make_image(exec, data->args);
  process->context = exec_context(record.task, rec.pid, before ? before->context : process->parent->context);
  process->render.drop();
  if (before && before->has(kProcessInInit)) process->flags |= kProcessInInit;
  mark_in_init(process.get());
  if (before && process.get() != before.get()) {
    remove(before.get());
    before->flags |= kProcessReplaced;
    insert(process);
  }
  return process;
}

void ProcessTree::exec_data(const event::ExecData& data) {
  pending_.put(data.record->rec.pid, data.record->rec.start_ns, data.record->what, data.data);
}

Ref<Process> ProcessTree::exit(const event::Exit& exit) {
  const trigon_record& rec = exit.record->rec;
  expire(rec.time_ns);
  if (!pending_.empty()) pending_.drop(rec.pid, rec.start_ns);
  Ref<Process> process(&find_or_create(rec));
  if (process->has(kProcessExited)) {
    ++counters_.duplicate_exits;
    return {};
  }
  end_life(process.get(), rec.time_ns);
  return process;
}

Process& ProcessTree::find_or_create(const trigon_record& rec) {
  if (Process* process = find_exact(rec.pid, rec.start_ns); process != nullptr) [[likely]] {
    return *process;
  }
  return *make_unknown(rec.pid, rec.start_ns);
}

Ref<Process> ProcessTree::parent_of(uint32_t pid, uint64_t start_ns) {
  // Nobody but the idle task has pid 0, whatever start time it is given.
  Process* parent = pid == 0 ? find(0) : find_exact(pid, start_ns);
  return parent != nullptr ? Ref<Process>(parent) : make_unknown(pid, start_ns);
}

Ref<Process> ProcessTree::make_unknown(uint32_t pid, uint64_t start_ns) {
  Ref<Process> process = make(pid, start_ns);
  process->flags = kProcessUnknown;
  ++counters_.unknown;
  insert(process);
  return process;
}

Process* ProcessTree::find(uint32_t pid, uint64_t start_ns) const {
  for (Process* process = buckets_[bucket(pid)]; process != nullptr; process = process->bucket_next_) {
    if (process->pid == pid && (start_ns == 0 || process->start_ns == start_ns)) return process;
  }
  return nullptr;
}

// Also finds a process whose start time is known to a clock tick only, and completes it: the exec id does not change.
Process* ProcessTree::find_exact(uint32_t pid, uint64_t start_ns) {
  Process* near = nullptr;
  for (Process* process = buckets_[bucket(pid)]; process != nullptr; process = process->bucket_next_) {
    if (process->pid != pid) continue;
    if (process->start_ns == start_ns) return process;
    if (process->has(kProcessApproximate) && start_ns - process->start_ns < kTickNs) near = process;
  }
  if (near != nullptr) {
    near->start_ns = start_ns;
    near->flags &= ~kProcessApproximate;
  }
  return near;
}

std::vector<const Process*> ProcessTree::ancestors(const Process& process, size_t limit) {
  std::vector<const Process*> result;
  for (const Process* up = process.parent.get(); up != nullptr && result.size() < limit; up = up->parent.get()) {
    result.push_back(up);
  }
  return result;
}

TreeCounters ProcessTree::counters() const {
  TreeCounters counters = counters_;
  counters.entries = entries_;
  counters.living = living_.size;
  counters.exited = exited_.size;
  return counters;
}

void ProcessTree::mark_in_init(Process* process) const {
  const bool inherited = process->parent && process->parent->has(kProcessInInit);
  const uint32_t pid_ns = process->context->ns.pid;
  const bool outside = options_.host_pid_ns != 0 ? pid_ns != 0 && pid_ns != options_.host_pid_ns : process->pid != 1;
  if (inherited || (process->ns_pid == 1 && outside)) process->flags |= kProcessInInit;
}

}  // namespace trigon::process
