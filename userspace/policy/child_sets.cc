#include "policy/child_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "policy/class_walk.h"

namespace trigon::policy {
namespace {

// Two filters with the same key mean the same set.
std::string key_of(bool literal, const BinaryFilter& filter) {
  std::string key = fmt::format("{}{}{}", filter.parent ? "parent " : "", literal ? "literal " : "",
                                filter.predicate.match == Match::kPrefix ? "prefix" : "exact");
  std::vector<std::string> strings = filter.predicate.strings;
  std::sort(strings.begin(), strings.end());
  strings.erase(std::unique(strings.begin(), strings.end()), strings.end());
  for (const std::string& s : strings) {
    key += '\n';
    key += s;
  }
  return key;
}

}  // namespace

Result<ChildSets> ChildSets::create(std::span<const Policy* const> policies, CompileState& state) {
  ChildSets out;
  for (const Policy* policy : policies) {
    for (const Hook& hook : policy->hooks) {
      for (const Selector& selector : hook.selectors) {
        for (const BinaryFilter& filter : selector.binaries) {
          if (!filter.follow_children) continue;
          if (is_reversed(filter.predicate.match)) {
            return Error(ErrorCode::kInvalidPolicy,
                         fmt::format("policy {}: followChildren cannot be combined with Postfix and NotPostfix; name "
                                     "the binaries with In, NotIn, Prefix or NotPrefix",
                                     policy->name));
          }
          const auto bit = static_cast<uint32_t>(state.child_sets.size());
          std::string key = key_of(policy->literal_binaries, filter);
          const auto [known, is_new] = state.child_sets.try_emplace(key, bit);
          if (is_new && bit >= TRIGON_MAX_CHILD_SETS) {
            return Error(ErrorCode::kInvalidPolicy,
                         fmt::format("policy {}: more than {} different sets of binaries with followChildren since the "
                                     "agent started; those of removed policies count until it is restarted",
                                     policy->name, TRIGON_MAX_CHILD_SETS));
          }
          out.sets_.try_emplace(std::move(key), Set{&filter, policy->literal_binaries, known->second});
        }
      }
    }
  }
  return out;
}

uint32_t ChildSets::bit(const Policy& policy, const BinaryFilter& filter) const {
  return sets_.at(key_of(policy.literal_binaries, filter)).bit;
}

// What is a selector elsewhere is a set here.
void ChildSets::write_kind(bool parent, const PathClasses& classes, uint32_t path_dim, uint32_t file_dim,
                           Tables& tables) const {
  FilterSet filters(SelectorBits{}, TRIGON_MAX_CHILD_SETS);
  EntryHits hits;
  std::vector<std::pair<uint32_t, FilterId>> files;
  for (const auto& [key, set] : sets_) {
    if (set.filter->parent != parent) continue;
    const FilterId id = filters.add(set.bit, false);
    for (const std::string& s : set.filter->predicate.strings) {
      hits.emplace_back(classes.paths().find(trie_bytes(set.filter->predicate.match, s)), id);
      const uint32_t file = set.literal ? 0 : classes.file(s);
      if (file != 0 && set.filter->predicate.match == Match::kExact) files.emplace_back(file, id);
    }
  }
  const PrefixEntries& paths = classes.paths();
  walk(paths, hits, filters, tables, Visit::kNamed, [&](size_t entry, uint32_t result) {
    if (paths.class_of(entry) == entry + 1) tables.number(path_dim, entry + 1, result);
  });
  std::sort(files.begin(), files.end());
  for (size_t i = 0; i < files.size();) {
    SelectorBits bits;
    const uint32_t file = files[i].first;
    for (; i < files.size() && files[i].first == file; ++i) bits.set(filters.selector(files[i].second), true);
    tables.number(file_dim, file, tables.vector(bits));
  }
}

void ChildSets::write(const PathClasses& classes, Tables& tables, CompiledSet& out) const {
  if (sets_.empty()) return;
  const uint32_t parity = out.generation & 1;
  const uint32_t dims = tables.new_dim(2);
  out.control.child_dim[parity] = dims;
  out.control.child_file_dim[parity] = dims + 1;
  write_kind(false, classes, dims, dims + 1, tables);
  if (std::none_of(sets_.begin(), sets_.end(), [](auto& s) { return s.second.filter->parent; })) return;
  const uint32_t parents = tables.new_dim(2);
  out.control.child_parent_dim[parity] = parents;
  write_kind(true, classes, parents, parents + 1, tables);
}

}  // namespace trigon::policy
