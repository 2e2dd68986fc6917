#include "policy/dimensions.h"

#include <algorithm>
#include <set>

#include "policy/types.h"

namespace trigon::policy {
namespace {

uint8_t source_order(uint8_t source) { return source == TRIGON_SRC_FIELD ? 1 : 0; }

// Turns one filled dimension into entries of the tables.
class Writer {
 public:
  Writer(const DimKey& key, const Dim& dim, Tables& tables, trigon_dim& out)
      : key_(key), dim_(dim), tables_(tables), out_(out) {
    out_ = {};
    out_.source = key.source;
    out_.field = key.field;
    out_.lookup = key.lookup;
    out_.dim = tables.new_dim();
    out_.unreadable = tables.vector(dim.filters.base());
    out_.dflt = out_.unreadable;
  }

  void numbers() {
    for (const auto& [value, hits] : dim_.numbers) {
      const uint32_t result = tables_.vector(dim_.filters.accepting(hits));
      if (result != out_.dflt) tables_.number(out_.dim, value, result);
    }
  }

  // Bit by bit: whoever looks at it, and those who look at none are in the default.
  void mask() {
    for (const auto& [mask, filter] : dim_.masks) out_.mask |= mask;
    for (uint32_t bit = 0; bit < 64; ++bit) {
      std::vector<FilterId> hits;
      for (const auto& [mask, filter] : dim_.masks) {
        if (mask >> bit & 1) hits.push_back(filter);
      }
      if (!hits.empty()) tables_.number(out_.dim, bit, tables_.vector(dim_.filters.accepting(hits)));
    }
  }

  void ranges() {
    out_.flip = dim_.is_signed;
    const Interval domain{ordered(smallest(dim_.is_signed, dim_.bits), dim_.is_signed),
                          ordered(largest(dim_.is_signed, dim_.bits), dim_.is_signed)};
    std::set<uint64_t> starts{domain.low};
    for (const auto& [interval, filter] : dim_.ranges) {
      starts.insert(interval.low);
      if (interval.high != domain.high) starts.insert(interval.high + 1);
    }
    // Runs of values that the same selectors accept.
    struct Run {
      Interval interval;
      uint32_t result;
    };
    std::vector<Run> runs;
    for (auto it = starts.begin(); it != starts.end(); ++it) {
      const auto next = std::next(it);
      const uint64_t high = next == starts.end() ? domain.high : *next - 1;
      std::vector<FilterId> hits;
      for (const auto& [interval, filter] : dim_.ranges) {
        if (interval.low <= *it && *it <= interval.high) hits.push_back(filter);
      }
      const uint32_t result = tables_.vector(dim_.filters.accepting(hits));
      if (!runs.empty() && runs.back().result == result) {
        runs.back().interval.high = high;
      } else {
        runs.push_back({{*it, high}, result});
      }
    }
    // The default is the answer that would need most entries.
    std::map<uint32_t, size_t> cost;
    for (const Run& run : runs) cost[run.result] += cover_size(run.interval);
    out_.dflt = std::max_element(cost.begin(), cost.end(), [](auto& a, auto& b) { return a.second < b.second; })->first;
    for (const Run& run : runs) {
      if (run.result == out_.dflt) continue;
      cover(run.interval, [&](uint64_t value, uint32_t bits) { tables_.range(out_.dim, value, bits, run.result); });
    }
  }

  // dim_.masks are filters that are hit when a bit of theirs is set; the value's bits are decided from the top.
  void follow_ranges(uint64_t possible) {
    uint64_t relevant = 0;
    for (const auto& [mask, filter] : dim_.masks) relevant |= mask;
    follow_branch(possible, relevant, 63, 0);
  }

  void strings() {
    std::vector<std::string> all;
    for (const auto& [bytes, filter] : dim_.strings) all.push_back(bytes);
    const PrefixEntries entries(std::move(all));
    std::vector<uint32_t> results(entries.size(), 0);
    each_entry(entries, [&](size_t i, uint32_t result) {
      results[i] = result;
      // Where a shorter entry already gives the answer, the longer one is not needed.
      const size_t parent = entries.parent(i);
      const bool at_root = parent == PrefixEntries::kNone || entries.at(parent).empty();
      if (result != (at_root ? out_.dflt : results[parent])) tables_.prefix(out_.dim, entries.at(i), result);
    });
  }

  void classes(const PrefixEntries& entries) {
    each_entry(entries, [&](size_t i, uint32_t result) {
      if (result != out_.dflt) tables_.number(out_.dim, i + 1, result);
    });
  }

 private:
  void follow_branch(uint64_t possible, uint64_t relevant, int bit, uint64_t value) {
    const uint64_t below = bit < 0 ? 0 : (bit == 63 ? ~0ULL : (2ULL << bit) - 1);
    if ((relevant & below) == 0) {
      std::vector<FilterId> hits;
      for (const auto& [mask, filter] : dim_.masks) {
        if (mask & value) hits.push_back(filter);
      }
      const uint32_t result = tables_.vector(dim_.filters.accepting(hits));
      if (result != out_.dflt) tables_.range(out_.dim, value, static_cast<uint32_t>(63 - bit), result);
      return;
    }
    follow_branch(possible, relevant, bit - 1, value);
    if (possible >> bit & 1) follow_branch(possible, relevant, bit - 1, value | 1ULL << bit);
  }

  // `emit(entry, vector)` for all entries but the empty one, which is what is found when nothing longer is: the
  // default.
  template <typename Emit>
  void each_entry(const PrefixEntries& entries, Emit emit) {
    std::vector<std::vector<FilterId>> hits(entries.size());
    for (const auto& [bytes, filter] : dim_.strings) hits[entries.find(bytes)].push_back(filter);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (const size_t parent = entries.parent(i); parent != PrefixEntries::kNone) {
        hits[i].insert(hits[i].end(), hits[parent].begin(), hits[parent].end());
      }
      const uint32_t result = tables_.vector(dim_.filters.accepting(hits[i]));
      if (entries.at(i).empty()) {
        out_.dflt = result;
      } else {
        emit(i, result);
      }
    }
  }

  const DimKey& key_;
  const Dim& dim_;
  Tables& tables_;
  trigon_dim& out_;
};

}  // namespace

Dim& Dimensions::at(uint8_t source, uint8_t field, uint8_t lookup, uint8_t instance) {
  return dims_.try_emplace(DimKey{source_order(source), source, field, lookup, instance}, selectors_).first->second;
}

void Dimensions::add_mask(uint8_t source, uint8_t field, size_t selector, uint64_t mask) {
  // The look-up is an OR over bits: two masks of a selector need two look-ups.
  for (uint8_t instance = 0;; ++instance) {
    Dim& dim = at(source, field, TRIGON_LOOKUP_MASK, instance);
    if (!dim.filters.base().test(selector)) continue;
    dim.masks.emplace_back(mask, dim.filters.add(selector, false));
    return;
  }
}

void Dimensions::add_arg(size_t selector, const Arg& arg, uint8_t field, const Predicate& predicate) {
  const auto dim_for = [&](uint8_t lookup) -> Dim& {
    Dim& dim = at(TRIGON_SRC_FIELD, field, lookup);
    dim.is_signed = arg.is_signed;
    dim.bits = arg.bits;
    return dim;
  };
  switch (predicate.match) {
    case Match::kNumbers: {
      Dim& dim = dim_for(TRIGON_LOOKUP_EQ);
      const FilterId filter = dim.filters.add(selector, predicate.negated);
      for (uint64_t value : predicate.numbers) dim.numbers[value].push_back(filter);
      return;
    }
    case Match::kRanges: {
      Dim& dim = dim_for(TRIGON_LOOKUP_RANGE);
      const FilterId filter = dim.filters.add(selector, predicate.negated);
      for (const Interval& interval : predicate.ranges) dim.ranges.emplace_back(interval, filter);
      return;
    }
    case Match::kMask:
      return add_mask(TRIGON_SRC_FIELD, field, selector, predicate.mask);
    case Match::kExact:
    case Match::kPrefix:
    case Match::kPostfix: {
      Dim& dim = dim_for(is_reversed(predicate.match) ? TRIGON_LOOKUP_POSTFIX : TRIGON_LOOKUP_PREFIX);
      const FilterId filter = dim.filters.add(selector, predicate.negated);
      for (const std::string& s : predicate.strings) dim.strings.emplace_back(trie_bytes(predicate.match, s), filter);
      return;
    }
    case Match::kSubstring:
    case Match::kSubstringIgnoreCase:
    case Match::kNetworks:
      return;
  }
}

void Dimensions::add_binary(size_t selector, const Predicate& predicate) {
  Dim& dim = at(is_reversed(predicate.match) ? TRIGON_SRC_BINARY_POST : TRIGON_SRC_BINARY, 0, TRIGON_LOOKUP_EQ);
  const FilterId filter = dim.filters.add(selector, predicate.negated);
  for (const std::string& s : predicate.strings) dim.strings.emplace_back(trie_bytes(predicate.match, s), filter);
}

void Dimensions::add_pids(size_t selector, const PidFilter& filter, const FollowTable& follow) {
  if (filter.follow_forks && !filter.negated) return add_mask(TRIGON_SRC_FOLLOW, 0, selector, follow.mask(filter));
  if (filter.follow_forks) {
    Dim& dim = at(TRIGON_SRC_FOLLOW, 0, TRIGON_LOOKUP_RANGE);
    dim.masks.emplace_back(follow.mask(filter), dim.filters.add(selector, true));
    return;
  }
  Dim& dim = at(filter.namespace_pid ? TRIGON_SRC_NS_PID : TRIGON_SRC_PID, 0, TRIGON_LOOKUP_EQ);
  const FilterId id = dim.filters.add(selector, filter.negated);
  for (uint32_t pid : filter.pids) dim.numbers[pid].push_back(id);
}

void Dimensions::write(const BinaryClasses& binaries, const FollowTable& follow, Tables& tables,
                       trigon_hook& hook) const {
  for (const auto& [key, dim] : dims_) {
    Writer writer(key, dim, tables, hook.dim[hook.dims++]);
    if (key.source == TRIGON_SRC_BINARY || key.source == TRIGON_SRC_BINARY_POST) {
      writer.classes(key.source == TRIGON_SRC_BINARY ? binaries.paths : binaries.postfixes);
    } else if (key.lookup == TRIGON_LOOKUP_EQ) {
      writer.numbers();
    } else if (key.lookup == TRIGON_LOOKUP_MASK) {
      writer.mask();
    } else if (key.source == TRIGON_SRC_FOLLOW) {
      writer.follow_ranges(follow.possible());
    } else if (key.lookup == TRIGON_LOOKUP_RANGE) {
      writer.ranges();
    } else {
      writer.strings();
    }
  }
}

}  // namespace trigon::policy
