// Look-up in a table of numbers that do not follow one another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trigon::output {

struct NumberName {
  uint32_t number;
  std::string_view name;
};

template <size_t N>
constexpr std::string_view find_name(const NumberName (&table)[N], uint32_t number) {
  for (const NumberName& entry : table) {
    if (entry.number == number) return entry.name;
  }
  return {};
}

}  // namespace trigon::output
