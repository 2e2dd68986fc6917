#include "policy/tries.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace trigon::policy {

PrefixEntries::PrefixEntries(std::vector<std::string> strings) : strings_(std::move(strings)) {
  std::sort(strings_.begin(), strings_.end());
  strings_.erase(std::unique(strings_.begin(), strings_.end()), strings_.end());
  parents_.resize(strings_.size(), kNone);
  // In sorted order an entry's ancestors are on the path from the one before it.
  for (size_t i = 1; i < strings_.size(); ++i) {
    size_t candidate = i - 1;
    while (candidate != kNone && !strings_[i].starts_with(strings_[candidate])) candidate = parents_[candidate];
    parents_[i] = candidate;
  }
}

size_t PrefixEntries::find(std::string_view string) const {
  const auto found = std::lower_bound(strings_.begin(), strings_.end(), string);
  return found != strings_.end() && *found == string ? static_cast<size_t>(found - strings_.begin()) : kNone;
}

std::string trie_bytes(Match match, std::string_view string) {
  std::string bytes(string);
  if (match == Match::kExact) bytes += '\0';
  if (is_reversed(match)) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

void cover(Interval interval, const std::function<void(uint64_t, uint32_t)>& emit) {
  uint64_t low = interval.low;
  while (true) {
    // The largest aligned block that starts at low and does not reach past high.
    uint32_t block = low == 0 ? 64 : static_cast<uint32_t>(std::countr_zero(low));
    while (block > 0 && (block == 64 ? ~0ULL : (1ULL << block) - 1) > interval.high - low) --block;
    emit(low, 64 - block);
    const uint64_t last = low + (block == 64 ? ~0ULL : (1ULL << block) - 1);
    if (last == interval.high) return;
    low = last + 1;
  }
}

size_t cover_size(Interval interval) {
  size_t count = 0;
  cover(interval, [&](uint64_t, uint32_t) { ++count; });
  return count;
}

}  // namespace trigon::policy
