// The tables of one hook: which fields are read, which selectors there are, which dimensions decide; at entry and, in a
// slot of its own, at return.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/compiled.h"
#include "policy/dimensions.h"
#include "policy/field_list.h"
#include "policy/ir.h"

namespace trigon::policy {

// A hook entry and the policy it belongs to.
struct HookEntry {
  const Policy* policy = nullptr;
  const Hook* hook = nullptr;
};

// As messages call it: "policy x: sys_openat".
std::string describe(const HookEntry& entry);

// What the entries want to be read, sorted.
Result<FieldList> required_fields(const std::vector<HookEntry>& entries);

struct HookLayout {
  uint16_t slot = 0;
  std::optional<uint16_t> return_slot;
  FieldList fields;
  bool is_syscall = false;  // the program takes its fields from the table
};

// Adds the hook's table and that of its return phase, its selectors and references. The answer: the actions that some
// selector wants (enum trigon_action_flags).
Result<uint32_t> add_hook(const std::vector<HookEntry>& entries, const HookLayout& layout, const Shared& shared,
                          Tables& tables);

}  // namespace trigon::policy
