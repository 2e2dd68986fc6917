#include "engine/tables.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace trigon::engine {

namespace {

// Programs run with preemption off, which synchronize_rcu() waits for; this system call is it (4.3).
void wait_for_programs() {
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0) return;
  usleep(10'000);  // refused on nohz_full machines: no program runs that long
}

trigon_number_key follow_key(bool ns_pid, uint32_t pid) {
  trigon_number_key key{};
  key.dim = ns_pid ? TRIGON_DIM_FOLLOW_NS_PID : TRIGON_DIM_FOLLOW_PID;
  key.value = pid;
  return key;
}

bool same_follow(const trigon_control& a, const trigon_control& b) {
  return a.follow_count == b.follow_count && a.follow_is_ns_pid == b.follow_is_ns_pid &&
         std::equal(std::begin(a.follow_pid), std::end(a.follow_pid), std::begin(b.follow_pid));
}

template <typename Each>
void each_followed(const trigon_control& control, Each each) {
  for (uint32_t i = 0; i < std::min<uint32_t>(control.follow_count, TRIGON_MAX_FOLLOW); ++i)
    if (control.follow_pid[i] != 0) each(i, follow_key((control.follow_is_ns_pid >> i) & 1, control.follow_pid[i]));
}

}  // namespace

Result<void> TableWriter::apply(std::shared_ptr<const policy::CompiledSet> set) {
  if (auto written = write(*set); !written.ok()) {
    erase(*set);
    return written;
  }
  publish(*set);
  wait_for_programs();
  auto old = std::exchange(active_, std::move(set));
  if (old) erase(*old);
  // The follow table is shared by both generations: erase() may have taken an entry that the new one has too.
  return write_follow(*active_);
}

Result<void> TableWriter::write(const policy::CompiledSet& set) {
  const uint32_t half = set.generation & 1;
  const auto put = [half](const bpf::Map& map, uint32_t max, const auto& values) -> Result<void> {
    if (values.empty()) return {};
    return map.update_range(half * max, values.data(), sizeof(values[0]), static_cast<uint32_t>(values.size()));
  };
  TRIGON_CHECK(put(sensor_->vectors(), TRIGON_MAX_VECTORS, set.vectors));
  TRIGON_CHECK(put(sensor_->selectors(), TRIGON_MAX_SELECTOR_META, set.selectors));
  // All slots: those without a hook now had one two generations ago.
  std::vector<trigon_hook> hooks(TRIGON_MAX_HOOKS);
  for (const auto& [slot, table] : set.hook_tables) hooks[slot] = table;
  TRIGON_CHECK(put(sensor_->hooks(), TRIGON_MAX_HOOKS, hooks));
  std::vector<trigon_syscall> syscalls(TRIGON_MAX_SYSCALLS);
  for (size_t i = 0; i < set.syscalls.size(); ++i)
    syscalls[i % TRIGON_MAX_SYSCALLS].slot[i / TRIGON_MAX_SYSCALLS] = set.syscalls[i];
  TRIGON_CHECK(put(sensor_->syscalls(), TRIGON_MAX_SYSCALLS, syscalls));
  for (const auto& [key, value] : set.numbers) TRIGON_CHECK(sensor_->numbers().update(&key, &value));
  for (const auto& [key, value] : set.ranges) TRIGON_CHECK(sensor_->ranges().update(&key, &value));
  for (const auto& [key, value] : set.prefixes) TRIGON_CHECK(sensor_->prefixes().update(&key, &value));
  return write_follow(set);
}

Result<void> TableWriter::write_follow(const policy::CompiledSet& set) {
  Result<void> result;
  each_followed(set.control, [&](uint32_t bit, const trigon_number_key& key) {
    if (result.ok()) result = sensor_->numbers().update(&key, &bit);
  });
  return result;
}

void TableWriter::publish(const policy::CompiledSet& set) {
  volatile trigon_control& control = sensor_->control();
  const uint32_t half = set.generation & 1;
  control.raw_hook[half] = set.control.raw_hook[half];
  control.path_dim[half] = set.control.path_dim[half];
  control.file_dim[half] = set.control.file_dim[half];
  control.path_post[half] = set.control.path_post[half];
  control.child_dim[half] = set.control.child_dim[half];
  control.child_file_dim[half] = set.control.child_file_dim[half];
  control.child_parent_dim[half] = set.control.child_parent_dim[half];
  // These only make the programs note more than they need: on with the first, off with the last.
  control.changes_active = set.control.changes_active;
  control.parents_active = set.control.parents_active;
  control.track_active = set.control.track_active;
  if (!active_ || !same_follow(active_->control, set.control)) control.follow_epoch = control.follow_epoch + 1;
  control.follow_active = trace_ || set.control.follow_active;
  __atomic_store_n(&control.generation, set.generation, __ATOMIC_RELEASE);
}

std::vector<trigon_selector_stats> TableWriter::read_stats(const policy::CompiledSet& set) const {
  std::vector<trigon_selector_stats> stats(set.selectors.size());
  for (uint32_t i = 0; i < stats.size(); ++i) {
    const uint32_t index = (set.generation & 1) * TRIGON_MAX_SELECTOR_META + i;
    (void)sensor_->stats().lookup(&index, &stats[i]);
  }
  return stats;
}

std::vector<trigon_selector_stats> TableWriter::take_stats(const policy::CompiledSet& set) {
  std::vector<trigon_selector_stats> stats = read_stats(set);
  const std::vector<trigon_selector_stats> none(stats.size());
  if (!none.empty()) {
    (void)sensor_->stats().update_range((set.generation & 1) * TRIGON_MAX_SELECTOR_META, none.data(), sizeof(none[0]),
                                        static_cast<uint32_t>(none.size()));
  }
  return stats;
}

uint64_t TableWriter::kernel_bytes(const policy::CompiledSet& set) {
  // struct htab_elem is 48 bytes before key and value (kernel/bpf/hashtab.c), struct lpm_trie_node 40 (lpm_trie.c).
  constexpr uint64_t kHash = 48 + sizeof(trigon_number_key) + 8;
  constexpr uint64_t kNode = 40;
  return set.numbers.size() * kHash + set.ranges.size() * (kNode + sizeof(trigon_range_key) + 4) +
         set.prefixes.size() * (kNode + sizeof(trigon_prefix_key) + sizeof(trigon_prefix_value)) +
         set.vectors.size() * sizeof(trigon_vector) +
         set.selectors.size() * (sizeof(trigon_selector) + sizeof(trigon_selector_stats)) +
         set.hook_tables.size() * sizeof(trigon_hook);
}

void TableWriter::erase(const policy::CompiledSet& set) {
  for (const auto& [key, value] : set.numbers) (void)sensor_->numbers().erase(&key);
  for (const auto& [key, value] : set.ranges) (void)sensor_->ranges().erase(&key);
  for (const auto& [key, value] : set.prefixes) (void)sensor_->prefixes().erase(&key);
  each_followed(set.control, [&](uint32_t, const trigon_number_key& key) { (void)sensor_->numbers().erase(&key); });
}

Result<void> TableWriter::trace_only(uint32_t pid) {
  const uint32_t bit = TRIGON_FOLLOW_TRACE;
  const trigon_number_key key = follow_key(false, pid);
  TRIGON_CHECK(sensor_->numbers().update(&key, &bit));
  trace_ = true;
  volatile trigon_control& control = sensor_->control();
  if (control.follow_epoch == 0) control.follow_epoch = 1;
  control.follow_active = 1;
  control.trace_only = 1;
  return {};
}

}  // namespace trigon::engine
