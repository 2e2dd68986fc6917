// The nearest valid name for a mistyped one: unknown fields of a policy, flags, subcommands.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace trigon {

// Edits (insert, delete, replace, swap of neighbours) between the two; letter case counts for nothing.
size_t edit_distance(std::string_view a, std::string_view b);

// The choice with the fewest edits, the first of equals. None when nothing is near enough to be what was meant:
// a third of the word, at least one edit.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> choices);

// ", did you mean `x`?" or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> choices);

}  // namespace trigon
