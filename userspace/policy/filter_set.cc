#include "policy/filter_set.h"

namespace trigon::policy {

FilterId FilterSet::add(size_t selector, bool negated) {
  filters_.push_back({selector, negated, 0});
  asking_.set(selector, true);
  if (!negated) {
    positive_.set(selector, true);
    agree(selector, false);
  }
  return static_cast<FilterId>(filters_.size() - 1);
}

void FilterSet::agree(size_t selector, bool yes) {
  refusing_[selector] += yes ? -1U : 1U;
  accepting_.set(selector, refusing_[selector] == 0);
}

void FilterSet::hit(FilterId filter) {
  Filter& f = filters_[filter];
  if (f.hits++ == 0) agree(f.selector, !f.negated);
}

void FilterSet::release(FilterId filter) {
  Filter& f = filters_[filter];
  if (--f.hits == 0) agree(f.selector, f.negated);
}

SelectorBits FilterSet::indifferent() const {
  SelectorBits bits = all_;
  bits.remove(asking_);
  return bits;
}

}  // namespace trigon::policy
