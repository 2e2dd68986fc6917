// Which pods, containers, nodes a policy or a selector is for.
#pragma once

#include <vector>

#include "policy/fields.h"
#include "policy/ir.h"

namespace trigon::policy {

// `podSelector`, `containerSelector` and `hostSelector` of `fields` (a spec, or matchWorkloads).
Workload read_workload(const Fields& fields);
// A label selector: matchLabels and matchExpressions, all of which must hold.
std::vector<LabelRequirement> read_labels(const Node& node, std::string where, Sink& sink);

}  // namespace trigon::policy
