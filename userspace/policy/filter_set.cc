#include "policy/filter_set.h"

#include <algorithm>

namespace trigon::policy {

FilterId FilterSet::add(size_t selector, bool negated) {
  const auto id = static_cast<FilterId>(filters_.size());
  filters_.push_back({selector, negated});
  filters_of_[selector].push_back(id);
  if (!negated) base_.set(selector, false);
  return id;
}

SelectorBits FilterSet::accepting(std::span<const FilterId> hits) const {
  SelectorBits bits = base_;
  for (FilterId hit : hits) {
    const size_t selector = filters_[hit].selector;
    const auto& mine = filters_of_[selector];
    bits.set(selector, std::all_of(mine.begin(), mine.end(), [&](FilterId id) {
               const bool is_hit = std::find(hits.begin(), hits.end(), id) != hits.end();
               return is_hit != filters_[id].negated;
             }));
  }
  return bits;
}

}  // namespace trigon::policy
