// Longest-prefix tables: strings, and number ranges as prefixes of 64 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/ir.h"

namespace trigon::policy {

// Distinct byte strings, each with its longest proper prefix among the others. What a look-up finds is the longest
// entry that the value starts with; that entry and its ancestors are then all the entries it starts with.
class PrefixEntries {
 public:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  PrefixEntries() = default;
  explicit PrefixEntries(std::vector<std::string> strings);

  size_t size() const { return strings_.size(); }
  const std::string& at(size_t i) const { return strings_[i]; }
  size_t parent(size_t i) const { return parents_[i]; }  // kNone: has none; always less than i
  size_t find(std::string_view string) const;            // kNone: not an entry

 private:
  std::vector<std::string> strings_;  // sorted
  std::vector<size_t> parents_;
};

// What a predicate's string is in the tables: exact ones end in the NUL that every value is followed by, postfixes are
// reversed.
std::string trie_bytes(Match match, std::string_view string);
inline bool is_reversed(Match match) { return match == Match::kPostfix; }

// Calls `emit(value, bits)` for the fewest prefixes that cover the interval.
void cover(Interval interval, const std::function<void(uint64_t, uint32_t)>& emit);
size_t cover_size(Interval interval);

}  // namespace trigon::policy
