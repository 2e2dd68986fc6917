// Visits the entries of a trie with what selectors accept there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "policy/filter_set.h"
#include "policy/tables.h"
#include "policy/tries.h"

namespace trigon::policy {

using EntryHits = std::vector<std::pair<size_t, FilterId>>;  // entry, filter that names it

// `emit(entry, vector number)`: what a value accepts whose longest entry this is. In the order of the entries, for
// those that a filter names and for all below them; kAll: for the others, too.
enum class Visit { kNamed, kAll };
template <typename Emit>
void walk(const PrefixEntries& entries, EntryHits& hits, FilterSet& filters, Tables& tables, Visit visit, Emit emit) {
  struct Open {
    size_t end, first, last;  // first entry behind it; its hits
    uint32_t result;
  };
  std::sort(hits.begin(), hits.end());
  std::vector<Open> open;
  size_t next = 0;
  const uint32_t otherwise = tables.vector(filters.accepting());
  const auto close_until = [&](size_t i) {
    for (; !open.empty() && open.back().end <= i; open.pop_back()) {
      for (size_t h = open.back().first; h < open.back().last; ++h) filters.release(hits[h].second);
    }
  };
  for (size_t i = 0;; ++i) {
    close_until(i);
    if (i == entries.size()) return;
    if (open.empty() && visit == Visit::kNamed) {
      if (next == hits.size()) return;
      i = hits[next].first;  // nothing in between is named
    }
    const size_t first = next;
    for (; next < hits.size() && hits[next].first == i; ++next) filters.hit(hits[next].second);
    uint32_t result = open.empty() ? otherwise : open.back().result;
    if (next != first) result = tables.vector(filters.accepting());
    emit(i, result);
    open.push_back({entries.end(i), first, next, result});
  }
}

}  // namespace trigon::policy
