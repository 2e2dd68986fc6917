// The dimensions of one hook slot: filters go in, look-up tables come out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "policy/child_sets.h"
#include "policy/class_walk.h"
#include "policy/filter_set.h"
#include "policy/follow.h"
#include "policy/ir.h"
#include "policy/path_classes.h"
#include "policy/tables.h"

namespace trigon::policy {

// What all hooks of a generation have in common.
struct Shared {
  const PathClasses& classes;
  const FollowTable& follow;
  const ChildSets& children;
};

// Everything that is looked up in one value of an event. Order is the order of evaluation: what belongs to the process
// is already known when a hook is entered, fields cost a read each.
struct DimKey {
  uint8_t source = 0;    // enum trigon_source
  uint8_t field = 0;     // position in the hook's fields, or the member of the source
  uint8_t field2 = 0;    // TRIGON_PART_GAINED
  uint8_t part = 0;      // enum trigon_part
  uint8_t lookup = 0;    // enum trigon_lookup
  uint8_t flip = 0;      //
  uint8_t instance = 0;  // filters of a selector that cannot share a look-up have one each

  bool operator<(const DimKey& other) const { return order() < other.order(); }

 private:
  // A dimension over two fields is looked up when the later one has been read.
  uint8_t last_field() const { return std::max(field, field2); }
  std::tuple<bool, uint8_t, uint8_t, uint8_t, uint8_t, uint8_t, uint8_t, uint8_t, uint8_t> order() const {
    return {source == TRIGON_SRC_FIELD, source, last_field(), field, field2, part, lookup, flip, instance};
  }
};

// One dimension while it is being filled. Of the lists, those that its look-up needs.
struct Dim {
  Dim(const SelectorBits& all, size_t selectors) : filters(all, selectors) {}

  FilterSet filters;
  bool is_signed = false;
  uint8_t bits = 1;
  std::vector<std::pair<uint64_t, FilterId>> numbers;
  std::vector<std::pair<Interval, FilterId>> ranges;
  std::vector<std::pair<Network, FilterId>> networks;
  std::vector<std::pair<uint64_t, FilterId>> masks;
  std::vector<std::pair<std::string, FilterId>> strings;  // as trie_bytes() makes them
  EntryHits classes;                                      // of paths
  std::vector<std::pair<uint64_t, FilterId>> files;       // classes of files
  std::vector<std::pair<uint32_t, FilterId>> workloads;   // entries of CompiledSet::workload_filters
};

class Dimensions {
 public:
  // For the selectors `all`, numbered below `selectors`.
  Dimensions(const SelectorBits& all, size_t selectors, const Shared& shared)
      : all_(all), selectors_(selectors), shared_(shared) {}

  // `field`, `second`: positions in the hook's fields.
  void add_field(size_t selector, const Arg& arg, uint8_t field, uint8_t second, const Predicate& predicate);
  void add_binary(size_t selector, const Policy& policy, const BinaryFilter& filter);
  void add_pids(size_t selector, const PidFilter& filter);
  void add_task(size_t selector, const TaskFilter& filter);
  void add_workload(size_t selector, uint32_t filter);

  // Look-ups for one event. More than TRIGON_MAX_DIMS cannot be written.
  size_t size() const { return dims_.size(); }
  // Fills hook.dim, hook.need and the tables.
  void write(Tables& tables, trigon_hook& hook);

 private:
  Dim& at(const DimKey& key);
  Dim& at_first_free(DimKey key, size_t selector, bool negated);
  void add(DimKey key, bool is_signed, uint8_t bits, size_t selector, const Predicate& predicate);
  void add_mask(DimKey key, size_t selector, bool negated, uint64_t mask);
  void add_classes(Dim& dim, size_t selector, const Predicate& predicate, bool with_files);

  SelectorBits all_;
  size_t selectors_;
  const Shared& shared_;
  std::map<DimKey, Dim> dims_;
};

}  // namespace trigon::policy
