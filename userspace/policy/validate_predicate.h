// Operators and values of a filter, checked against the type of what they are compared with.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/fields.h"
#include "policy/ir.h"
#include "policy/validate_context.h"

namespace trigon::policy {

// The fields `operator` and `values` of a filter on `arg`. `second`: the other argument of CapabilitiesGained, nullptr
// when the filter names one.
std::optional<Predicate> read_arg_predicate(const Fields& filter, const Arg& arg, const Arg* second,
                                            const Context& context);
// Only whether the operator is one at all, for a filter whose argument is not known.
void check_arg_operator(const Fields& filter);
// `operator` and `values` of a matchBinaries or matchParentBinaries entry; `block` is for messages.
std::optional<Predicate> read_binary_predicate(const Fields& filter, std::string_view block);
// In or NotIn of an entry of `block`: whether it is negated.
std::optional<bool> read_membership(const Fields& filter, std::string_view block);
// `values`, which must not be empty.
std::vector<std::pair<std::string, Position>> read_values(const Fields& filter);
// "5", "1000:1999": both ends included. An error says `name` and comes from `at`.
std::optional<Interval> read_interval(const Fields& filter, std::string_view name, std::string_view text, Position at,
                                      bool is_signed, uint8_t bits, bool decimal = false);
// The bits of the capabilities named in `values`; names or, separated by commas, several in one.
uint64_t read_capabilities(const Fields& filter, const std::vector<std::pair<std::string, Position>>& values);

}  // namespace trigon::policy
