// Which selectors accept a value, given which filters mention it.
//
// A dimension knows for a value the filters that name it (or a prefix of it, or a range around it): its hits. A
// selector accepts when each of its filters on that dimension agrees: a positive one that is hit, a negated one that is
// not. Selectors without a filter on the dimension accept everything.
//
// Values are visited one after another; what changes between two of them are a few hits, so each costs what it changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bpf/abi/policy.h"

namespace trigon::policy {

// One bit per selector of a hook.
class SelectorBits {
 public:
  SelectorBits() = default;
  explicit SelectorBits(const trigon_vector& raw) : raw_(raw) {}
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
  void add(const SelectorBits& other) {
    for (size_t w = 0; w < TRIGON_VEC_WORDS; ++w) raw_.word[w] |= other.raw_.word[w];
  }
  void remove(const SelectorBits& other) {
    for (size_t w = 0; w < TRIGON_VEC_WORDS; ++w) raw_.word[w] &= ~other.raw_.word[w];
  }
  const trigon_vector& raw() const { return raw_; }

 private:
  trigon_vector raw_{};
};

using FilterId = uint32_t;

class FilterSet {
 public:
  // Of a hook whose selectors are `all`, numbered below `selectors`.
  FilterSet(const SelectorBits& all, size_t selectors) : all_(all), accepting_(all), refusing_(selectors, 0) {}

  // All filters come before the first hit.
  FilterId add(size_t selector, bool negated);
  bool empty() const { return filters_.empty(); }
  bool has(size_t selector) const { return asking_.test(selector); }
  bool has_positive(size_t selector) const { return positive_.test(selector); }
  size_t selector(FilterId filter) const { return filters_[filter].selector; }

  // A filter that is hit twice must be released twice.
  void hit(FilterId filter);
  void release(FilterId filter);
  // With the hits of the moment. Without any: nothing is known of the value, or no filter mentions it; positive filters
  // refuse, negated ones accept.
  const SelectorBits& accepting() const { return accepting_; }

  const SelectorBits& positive() const { return positive_; }  // selectors with a filter that is not negated
  SelectorBits indifferent() const;                           // selectors without a filter

 private:
  struct Filter {
    size_t selector;
    bool negated;
    uint32_t hits;
  };
  void agree(size_t selector, bool yes);

  SelectorBits all_, accepting_, asking_, positive_;
  std::vector<Filter> filters_;
  std::vector<uint32_t> refusing_;  // by selector: how many of its filters do not agree
};

}  // namespace trigon::policy
