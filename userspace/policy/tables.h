// Collects the entries of one generation's tables: shares vectors, counts dimensions, writes keys as the kernel wants
// them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "policy/compiled.h"
#include "policy/filter_set.h"

namespace trigon::policy {

class Tables {
 public:
  explicit Tables(CompiledSet& out);

  // The first of `count` numbers in a row.
  uint32_t new_dim(uint32_t count = 1);
  // Number of that vector. More than TRIGON_MAX_VECTORS: overflow() from then on.
  uint32_t vector(const SelectorBits& bits);
  const trigon_vector& vector_at(uint32_t number) const { return out_.vectors[number]; }
  bool overflow() const { return overflow_; }
  // A second "nobody": 0 in tri_prefixes would say "nothing found".
  uint32_t nobody_in_tries();

  void number(uint32_t dim, uint64_t value, uint32_t result, uint32_t device = 0);
  const std::vector<std::pair<trigon_number_key, uint32_t>>& numbers() const { return out_.numbers; }
  void range(uint32_t dim, uint64_t value, uint32_t bits, uint32_t result);
  void network(uint32_t dim, const std::array<uint8_t, 16>& bytes, uint32_t bits, uint32_t result);
  // At most TRIGON_TRIE_CHUNK bytes.
  void prefix(uint32_t dim, std::string_view bytes, trigon_prefix_value value);

  CompiledSet& out() { return out_; }

 private:
  uint32_t push_vector(const SelectorBits& bits);

  CompiledSet& out_;
  std::unordered_multimap<uint64_t, uint32_t> known_;  // hash of a vector to its number
  uint32_t nobody_in_tries_ = 0;                       // 0: not needed so far
  bool overflow_ = false;
};

// One string dimension: entries longer than a key go from table to table.
class TrieTable {
 public:
  TrieTable(Tables& tables, uint32_t dim) : tables_(tables), dim_(dim) {}

  // Ancestors before descendants. `leads`: longer entries follow. `result` 0: the answer found so far stays.
  void add(std::string_view bytes, uint32_t result, bool leads);

 private:
  Tables& tables_;
  uint32_t dim_;
  std::unordered_map<std::string, uint32_t> next_;  // bytes of leads so far to the dimension behind them
};

}  // namespace trigon::policy
