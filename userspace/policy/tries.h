// Longest-prefix tables: strings, and number ranges as prefixes of 64 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/ir.h"

namespace trigon::policy {

// Distinct byte strings, each with its longest proper prefix among the others. What a look-up finds is the longest
// entry that the value starts with; that entry and its ancestors are then all the entries it starts with.
//
// A string longer than a trie's key brings its first 1, 2, … times TRIGON_TRIE_CHUNK bytes as entries of their own.
class PrefixEntries {
 public:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  PrefixEntries() = default;
  explicit PrefixEntries(std::vector<std::string> strings);

  // In sorted order: ancestors before descendants, which follow without a gap.
  size_t size() const { return entries_.size(); }
  const std::string& at(size_t i) const { return entries_[i].bytes; }
  size_t parent(size_t i) const { return entries_[i].parent; }  // kNone: has none
  size_t end(size_t i) const { return entries_[i].end; }        // the first that does not start with i
  bool leads(size_t i) const { return entries_[i].leads; }      // longer entries go on in a table of their own
  size_t find(std::string_view bytes) const;                    // kNone: not an entry

  // What a class trie says of values whose longest entry is i, from 1; 0: as of a value without any.
  uint32_t class_of(size_t i) const { return entries_[i].number; }

 private:
  struct Entry {
    std::string bytes;
    bool real = true;  // was asked for
    bool leads = false;
    uint32_t number = 0;
    size_t parent = kNone;
    size_t end = 0;
  };
  void add_leads();

  std::vector<Entry> entries_;
};

// What a predicate's string is in the tables: exact ones end in the NUL that every value is followed by, postfixes are
// reversed.
std::string trie_bytes(Match match, std::string_view string);
inline bool is_reversed(Match match) { return match == Match::kPostfix; }

// Calls `emit(value, bits)` for the fewest prefixes that cover the interval.
template <typename Emit>
void cover(Interval interval, Emit emit) {
  uint64_t low = interval.low;
  while (true) {
    // The largest aligned block that starts at low and does not reach past high.
    uint32_t block = low == 0 ? 64 : static_cast<uint32_t>(__builtin_ctzll(low));
    while (block > 0 && (block == 64 ? ~0ULL : (1ULL << block) - 1) > interval.high - low) --block;
    emit(low, 64 - block);
    const uint64_t last = low + (block == 64 ? ~0ULL : (1ULL << block) - 1);
    if (last == interval.high) return;
    low = last + 1;
  }
}
size_t cover_size(Interval interval);

}  // namespace trigon::policy
