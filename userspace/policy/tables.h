// Collects the entries of one generation's tables: shares vectors, counts dimensions, writes keys as the kernel wants
// them.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "policy/compiled.h"
#include "policy/filter_set.h"

namespace trigon::policy {

class Tables {
 public:
  explicit Tables(CompiledSet& out);

  uint32_t new_dim() { return out_.state.next_dim++; }
  // Number of that vector. More than TRIGON_MAX_VECTORS: overflow() from then on.
  uint32_t vector(const SelectorBits& bits);
  bool overflow() const { return out_.vectors.size() > TRIGON_MAX_VECTORS; }

  void number(uint32_t dim, uint64_t value, uint32_t result);
  void range(uint32_t dim, uint64_t value, uint32_t bits, uint32_t result);
  // Entries of tri_prefixes never carry 0, which a program takes for "nothing found" (as it is for binary classes):
  // "nobody" is a second empty vector there.
  void prefix(uint32_t dim, std::string_view bytes, uint32_t result);

 private:
  uint32_t push_vector(const SelectorBits& bits);

  CompiledSet& out_;
  std::unordered_multimap<size_t, uint32_t> known_;  // hash of a vector to its number
  uint32_t nobody_in_tries_ = 0;                     // 0: not needed so far
};

}  // namespace trigon::policy
