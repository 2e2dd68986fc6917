// The dimensions of one hook: filters go in, look-up tables come out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/result.h"
#include "policy/filter_set.h"
#include "policy/follow.h"
#include "policy/ir.h"
#include "policy/tables.h"
#include "policy/tries.h"

namespace trigon::policy {

// Paths that any policy of the generation compares a binary with. A process's class is the number of the longest entry,
// counted from 1, and 0 when there is none.
struct BinaryClasses {
  PrefixEntries paths;      // exact and prefix values
  PrefixEntries postfixes;  // reversed
};

// Everything that is looked up in one value of an event. Order is the order of evaluation: what belongs to the process
// is already known when a hook is entered, fields cost a read each.
struct DimKey {
  uint8_t source_order = 0;
  uint8_t source = 0;    // enum trigon_source
  uint8_t field = 0;     // position in the hook's fields
  uint8_t lookup = 0;    // enum trigon_lookup
  uint8_t instance = 0;  // more than one mask filter of a selector on one value: one look-up each

  bool operator<(const DimKey& other) const {
    return std::tie(source_order, source, field, lookup, instance) <
           std::tie(other.source_order, other.source, other.field, other.lookup, other.instance);
  }
};

// One dimension while it is being filled.
struct Dim {
  explicit Dim(size_t selectors) : filters(selectors) {}

  FilterSet filters;
  bool is_signed = false;
  uint8_t bits = 64;
  std::map<uint64_t, std::vector<FilterId>> numbers;
  std::vector<std::pair<Interval, FilterId>> ranges;
  std::vector<std::pair<uint64_t, FilterId>> masks;       // positive, or negated pids (see follow.h)
  std::vector<std::pair<std::string, FilterId>> strings;  // as trie_bytes() makes them
};

class Dimensions {
 public:
  explicit Dimensions(size_t selectors) : selectors_(selectors) {}

  // `field`: position of the argument in the hook's fields.
  void add_arg(size_t selector, const Arg& arg, uint8_t field, const Predicate& predicate);
  void add_binary(size_t selector, const Predicate& predicate);
  void add_pids(size_t selector, const PidFilter& filter, const FollowTable& follow);

  size_t size() const { return dims_.size(); }
  // Fills hook.dim and the tables.
  void write(const BinaryClasses& binaries, const FollowTable& follow, Tables& tables, trigon_hook& hook) const;

 private:
  Dim& at(uint8_t source, uint8_t field, uint8_t lookup, uint8_t instance = 0);
  void add_mask(uint8_t source, uint8_t field, size_t selector, uint64_t mask);

  size_t selectors_;
  std::map<DimKey, Dim> dims_;
};

}  // namespace trigon::policy
