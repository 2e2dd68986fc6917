#include "policy/dimensions.h"

#include "policy/dim_writer.h"

namespace trigon::policy {
namespace {

// Of what a part of a field can be; ranges end there.
uint8_t bits_of(const Arg& arg, trigon_part part) {
  switch (part) {
    case TRIGON_PART_FAMILY:
    case TRIGON_PART_PROTOCOL:
    case TRIGON_PART_SPORT:
    case TRIGON_PART_DPORT:
      return 16;
    case TRIGON_PART_STATE:
      return 8;
    case TRIGON_PART_FILE_TYPE:
      return 4;
    default:
      return arg.bits == 0 ? 64 : arg.bits;
  }
}

}  // namespace

Dim& Dimensions::at(const DimKey& key) { return dims_.try_emplace(key, all_, selectors_).first->second; }

// For look-ups whose answer is an OR: two positive filters of a selector need one each, or either would do.
Dim& Dimensions::at_first_free(DimKey key, size_t selector, bool negated) {
  for (;; ++key.instance) {
    Dim& dim = at(key);
    if (!dim.filters.has(selector) || (negated && !dim.filters.has_positive(selector))) return dim;
  }
}

void Dimensions::add_mask(DimKey key, size_t selector, bool negated, uint64_t mask) {
  key.lookup = negated ? TRIGON_LOOKUP_NOMASK : TRIGON_LOOKUP_MASK;
  Dim& dim = at_first_free(key, selector, negated);
  dim.masks.emplace_back(mask, dim.filters.add(selector, negated));
}

void Dimensions::add(DimKey key, bool is_signed, uint8_t bits, size_t selector, const Predicate& predicate) {
  const auto dim_for = [&](trigon_lookup lookup) -> Dim& {
    key.lookup = static_cast<uint8_t>(lookup);
    Dim& dim = at(key);
    dim.is_signed = is_signed;
    dim.bits = std::max(dim.bits, bits);
    return dim;
  };
  switch (predicate.match) {
    case Match::kNumbers: {
      Dim& dim = dim_for(TRIGON_LOOKUP_EQ);
      const FilterId filter = dim.filters.add(selector, predicate.negated);
      for (uint64_t value : predicate.numbers) dim.numbers.emplace_back(value, filter);
      return;
    }
    case Match::kRanges: {
      key.flip = is_signed;
      Dim& dim = dim_for(TRIGON_LOOKUP_RANGE);
      const FilterId filter = dim.filters.add(selector, predicate.negated);
      for (const Interval& interval : predicate.ranges) dim.ranges.emplace_back(interval, filter);
      return;
    }
    case Match::kNetworks: {
      Dim& dim = dim_for(TRIGON_LOOKUP_RANGE);
      const FilterId filter = dim.filters.add(selector, predicate.negated);
      for (const Network& network : predicate.networks) dim.networks.emplace_back(network, filter);
      return;
    }
    case Match::kMask:
      return add_mask(key, selector, predicate.negated, predicate.mask);
    case Match::kExact:
    case Match::kPrefix:
    case Match::kPostfix: {
      Dim& dim = dim_for(is_reversed(predicate.match) ? TRIGON_LOOKUP_POSTFIX : TRIGON_LOOKUP_PREFIX);
      const FilterId filter = dim.filters.add(selector, predicate.negated);
      for (const std::string& s : predicate.strings) dim.strings.emplace_back(trie_bytes(predicate.match, s), filter);
      return;
    }
    case Match::kSubstring:
    case Match::kSubstringIgnoreCase: {
      key.lookup = TRIGON_LOOKUP_SUBSTRING;
      key.flip = predicate.match == Match::kSubstringIgnoreCase;
      Dim& dim = at_first_free(key, selector, false);
      const FilterId filter = dim.filters.add(selector, false);
      for (const std::string& s : predicate.strings) dim.strings.emplace_back(s, filter);
      return;
    }
  }
}

void Dimensions::add_classes(Dim& dim, size_t selector, const Predicate& predicate, bool with_files) {
  const FilterId filter = dim.filters.add(selector, predicate.negated);
  const PrefixEntries& entries = is_reversed(predicate.match) ? shared_.classes.postfixes() : shared_.classes.paths();
  for (const std::string& s : predicate.strings) {
    dim.classes.emplace_back(entries.find(trie_bytes(predicate.match, s)), filter);
    if (!with_files || predicate.match != Match::kExact) continue;
    if (const uint32_t file = shared_.classes.file(s)) dim.files.emplace_back(file, filter);
  }
}

void Dimensions::add_field(size_t selector, const Arg& arg, uint8_t field, uint8_t second, const Predicate& predicate) {
  DimKey key;
  key.source = TRIGON_SRC_FIELD;
  key.field = field;
  key.part = static_cast<uint8_t>(predicate.part);
  if (predicate.part == TRIGON_PART_GAINED) key.field2 = second;
  const bool text =
      predicate.match == Match::kExact || predicate.match == Match::kPrefix || predicate.match == Match::kPostfix;
  if (arg.kind == ValueKind::kPath && text) {
    key.part = is_reversed(predicate.match) ? TRIGON_PART_PATH_CLASS_POST : TRIGON_PART_PATH_CLASS;
    key.lookup = TRIGON_LOOKUP_EQ;
    return add_classes(at(key), selector, predicate, false);
  }
  const bool is_value = predicate.part == TRIGON_PART_VALUE;
  if (arg.kind == ValueKind::kSockaddrUn && is_value) {
    // Written `@name`, in the kernel's structure a NUL and the name.
    Predicate raw = predicate;
    for (std::string& name : raw.strings)
      if (text && name.starts_with('@')) name[0] = '\0';
    return add(key, false, 0, selector, raw);
  }
  add(key, is_value && arg.is_signed, bits_of(arg, predicate.part), selector, predicate);
}

void Dimensions::add_binary(size_t selector, const Policy& policy, const BinaryFilter& filter) {
  const Predicate& predicate = filter.predicate;
  DimKey key;
  if (filter.follow_children) {
    const uint32_t bit = shared_.children.bit(policy, filter);
    key.source = TRIGON_SRC_CHILDREN;
    key.field = static_cast<uint8_t>(bit / 64);
    return add_mask(key, selector, predicate.negated, 1ULL << (bit % 64));
  }
  if (is_reversed(predicate.match)) {
    key.source = filter.parent ? TRIGON_SRC_PARENT_POST : TRIGON_SRC_BINARY_POST;
    key.lookup = TRIGON_LOOKUP_EQ;
    return add_classes(at(key), selector, predicate, false);
  }
  key.source = filter.parent ? TRIGON_SRC_PARENT : TRIGON_SRC_BINARY;
  key.lookup = TRIGON_LOOKUP_EITHER;
  add_classes(at_first_free(key, selector, predicate.negated), selector, predicate, !policy.literal_binaries);
}

void Dimensions::add_pids(size_t selector, const PidFilter& filter) {
  DimKey key;
  if (filter.follow_forks) {
    key.source = TRIGON_SRC_FOLLOW;
    return add_mask(key, selector, filter.negated, shared_.follow.mask(filter));
  }
  key.source = filter.namespace_pid ? TRIGON_SRC_NS_PID : TRIGON_SRC_PID;
  key.lookup = TRIGON_LOOKUP_EQ;
  Dim& dim = at(key);
  const FilterId id = dim.filters.add(selector, filter.negated);
  for (uint32_t pid : filter.pids) dim.numbers.emplace_back(pid, id);
}

void Dimensions::add_task(size_t selector, const TaskFilter& filter) {
  DimKey key;
  key.source = static_cast<uint8_t>(filter.source);
  key.field = filter.field;
  const bool wide = filter.source == TRIGON_SRC_CAPS || filter.source == TRIGON_SRC_CAP_CHANGES;
  add(key, false, wide ? 64 : 32, selector, filter.predicate);
}

void Dimensions::add_workload(size_t selector, uint32_t filter) {
  DimKey key;
  key.source = TRIGON_SRC_WORKLOAD;
  key.lookup = TRIGON_LOOKUP_EQ;
  Dim& dim = at(key);
  dim.workloads.emplace_back(filter, dim.filters.add(selector, false));
}

void Dimensions::write(Tables& tables, trigon_hook& hook) {
  for (auto& [key, dim] : dims_) {
    if (key.source == TRIGON_SRC_FIELD) {
      hook.need |= 1U << key.field;
      if (key.part == TRIGON_PART_GAINED) hook.need |= 1U << key.field2;
    }
    write_dim(key, all_, dim, shared_.classes, tables, hook.dim[hook.dims++]);
  }
}

}  // namespace trigon::policy
