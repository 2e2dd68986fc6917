#include "policy/tables.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace trigon::policy {

Tables::Tables(CompiledSet& out) : out_(out) {
  vector(SelectorBits());  // number 0: nobody
}

uint32_t Tables::push_vector(const SelectorBits& bits) {
  if (overflow()) return 0;  // the set is refused anyway
  out_.vectors.push_back(bits.raw());
  return static_cast<uint32_t>(out_.vectors.size() - 1);
}

uint32_t Tables::vector(const SelectorBits& bits) {
  const size_t hash = std::hash<std::string_view>()(
      std::string_view(reinterpret_cast<const char*>(&bits.raw()), sizeof(trigon_vector)));
  const auto [first, last] = known_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (std::memcmp(&out_.vectors[it->second], &bits.raw(), sizeof(trigon_vector)) == 0) return it->second;
  }
  const uint32_t number = push_vector(bits);
  known_.emplace(hash, number);
  return number;
}

void Tables::number(uint32_t dim, uint64_t value, uint32_t result) {
  trigon_number_key key{};
  key.dim = dim;
  key.value = value;
  out_.numbers.emplace_back(key, result);
}

void Tables::range(uint32_t dim, uint64_t value, uint32_t bits, uint32_t result) {
  trigon_range_key key{};
  key.prefixlen = 32 + bits;
  key.dim = dim;
  for (int i = 0; i < 8; ++i) key.value[i] = static_cast<uint8_t>(value >> (56 - 8 * i));
  out_.ranges.emplace_back(key, result);
}

void Tables::prefix(uint32_t dim, std::string_view bytes, uint32_t result) {
  if (result == 0) {
    if (nobody_in_tries_ == 0) nobody_in_tries_ = push_vector(SelectorBits());
    result = nobody_in_tries_;
  }
  trigon_prefix_key key{};
  key.prefixlen = 32 + 8 * static_cast<uint32_t>(bytes.size());
  key.dim = dim;
  std::memcpy(key.data, bytes.data(), std::min(bytes.size(), sizeof(key.data)));
  out_.prefixes.emplace_back(key, trigon_prefix_value{result, 0});
}

}  // namespace trigon::policy
