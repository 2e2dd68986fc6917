// Which selectors accept a value, given which filters mention it.
//
// A dimension knows for a value the filters that name it (or a prefix of it, or a range around it): its hits. A
// selector accepts when each of its filters on that dimension agrees: a positive one that is hit, a negated one that is
// not. Selectors without a filter on the dimension accept everything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bpf/abi/policy.h"

namespace trigon::policy {

// One bit per selector of a hook.
class SelectorBits {
 public:
  static SelectorBits first(size_t count) {
    SelectorBits bits;
    for (size_t i = 0; i < count; ++i) bits.set(i, true);
    return bits;
  }

  void set(size_t i, bool on) {
    const uint64_t bit = 1ULL << (i % 64);
    raw_.word[i / 64] = on ? raw_.word[i / 64] | bit : raw_.word[i / 64] & ~bit;
  }
  bool test(size_t i) const { return raw_.word[i / 64] >> (i % 64) & 1; }
  const trigon_vector& raw() const { return raw_; }
  bool operator==(const SelectorBits& other) const {
    for (size_t i = 0; i < TRIGON_VEC_WORDS; ++i) {
      if (raw_.word[i] != other.raw_.word[i]) return false;
    }
    return true;
  }

 private:
  trigon_vector raw_{};
};

using FilterId = uint32_t;

class FilterSet {
 public:
  // Of a hook with that many selectors.
  explicit FilterSet(size_t selectors) : base_(SelectorBits::first(selectors)), filters_of_(selectors) {}

  FilterId add(size_t selector, bool negated);
  bool empty() const { return filters_.empty(); }

  // Nothing is known of the value, or no filter mentions it: positive filters refuse, negated ones accept.
  const SelectorBits& base() const { return base_; }
  SelectorBits accepting(std::span<const FilterId> hits) const;

 private:
  struct Filter {
    size_t selector;
    bool negated;
  };
  std::vector<Filter> filters_;
  SelectorBits base_;
  std::vector<std::vector<FilterId>> filters_of_;  // by selector
};

}  // namespace trigon::policy
