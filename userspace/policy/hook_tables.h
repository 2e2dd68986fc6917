// The tables of one hook slot: which fields are read, which selectors there are, which dimensions decide.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "policy/compiled.h"
#include "policy/dimensions.h"
#include "policy/ir.h"

namespace trigon::policy {

// A hook entry and the policy it belongs to.
struct HookEntry {
  const Policy* policy = nullptr;
  const Hook* hook = nullptr;
};

// Appends the hook's table to `out.hook_tables`, its selectors to `out.selectors` and `out.hooks`.
Result<void> add_hook(const std::vector<HookEntry>& entries, const BinaryClasses& binaries, const FollowTable& follow,
                      Tables& tables, CompiledSet& out);

}  // namespace trigon::policy
