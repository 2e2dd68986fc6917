#include "policy/tables.h"

#include <algorithm>
#include <cstring>

namespace trigon::policy {
namespace {

uint64_t hash_of(const trigon_vector& vector) {
  uint64_t hash = 0x9e3779b97f4a7c15;  // 2^64 divided by the golden ratio: odd, and no pattern in its bits
  for (uint64_t word : vector.word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

Tables::Tables(CompiledSet& out) : out_(out) {
  vector(SelectorBits());  // number 0: nobody
}

uint32_t Tables::new_dim(uint32_t count) {
  const uint32_t first = out_.state.next_dim;
  out_.state.next_dim += count;
  return first;
}

uint32_t Tables::push_vector(const SelectorBits& bits) {
  if (out_.vectors.size() == TRIGON_MAX_VECTORS) {
    overflow_ = true;  // the set is refused
    return 0;
  }
  out_.vectors.push_back(bits.raw());
  return static_cast<uint32_t>(out_.vectors.size() - 1);
}

uint32_t Tables::vector(const SelectorBits& bits) {
  const uint64_t hash = hash_of(bits.raw());
  const auto [first, last] = known_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (std::memcmp(&out_.vectors[it->second], &bits.raw(), sizeof(trigon_vector)) == 0) return it->second;
  }
  const uint32_t number = push_vector(bits);
  if (!overflow_) known_.emplace(hash, number);
  return number;
}

uint32_t Tables::nobody_in_tries() {
  if (nobody_in_tries_ == 0) nobody_in_tries_ = push_vector(SelectorBits());
  return nobody_in_tries_;
}

void Tables::number(uint32_t dim, uint64_t value, uint32_t result, uint32_t device) {
  trigon_number_key key{};
  key.dim = dim;
  key.device = device;
  key.value = value;
  out_.numbers.emplace_back(key, result);
}

void Tables::range(uint32_t dim, uint64_t value, uint32_t bits, uint32_t result) {
  std::array<uint8_t, 16> bytes{};
  for (int i = 0; i < 8; ++i) bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(value >> (56 - 8 * i));
  network(dim, bytes, bits, result);
}

void Tables::network(uint32_t dim, const std::array<uint8_t, 16>& bytes, uint32_t bits, uint32_t result) {
  trigon_range_key key{};
  key.prefixlen = 32 + bits;
  key.dim = dim;
  std::copy(bytes.begin(), bytes.end(), key.value);
  out_.ranges.emplace_back(key, result);
}

void Tables::prefix(uint32_t dim, std::string_view bytes, trigon_prefix_value value) {
  auto& [key, stored] = out_.prefixes.emplace_back();
  key.prefixlen = 32 + 8 * static_cast<uint32_t>(bytes.size());
  key.dim = dim;
  std::memcpy(key.data, bytes.data(), bytes.size());
  stored = value;
}

void TrieTable::add(std::string_view bytes, uint32_t result, bool leads) {
  const size_t start = (bytes.size() - 1) / TRIGON_TRIE_CHUNK * TRIGON_TRIE_CHUNK;
  const uint32_t dim = start == 0 ? dim_ : next_.at(std::string(bytes.substr(0, start)));
  uint32_t next = 0;
  if (leads) next = next_[std::string(bytes)] = tables_.new_dim();
  tables_.prefix(dim, bytes.substr(start), {result, next});
}

}  // namespace trigon::policy
