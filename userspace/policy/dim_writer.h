// Turns one filled dimension into entries of the tables.
#pragma once

#include "policy/dimensions.h"

namespace trigon::policy {

void write_dim(const DimKey& key, const SelectorBits& all, Dim& dim, const PathClasses& classes, Tables& tables,
               trigon_dim& out);

}  // namespace trigon::policy
