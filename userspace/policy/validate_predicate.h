// Operators and values of a filter, checked against the type of what they are compared with.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "policy/fields.h"
#include "policy/ir.h"

namespace trigon::policy {

// The fields `operator` and `values` of a matchArgs filter on `arg`.
std::optional<Predicate> read_arg_predicate(const Fields& filter, const Arg& arg);
// Only whether the operator is one at all, for a filter whose argument is not known.
void check_arg_operator(const Fields& filter);
// `operator` and `values` of a matchBinaries entry.
std::optional<Predicate> read_binary_predicate(const Fields& filter);
// In or NotIn of a matchPIDs entry: whether it is negated.
std::optional<bool> read_membership(const Fields& filter);

}  // namespace trigon::policy
