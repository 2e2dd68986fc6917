// Sets of binaries whose descendants are followed (followChildren): each is a bit that a process inherits.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/ir.h"
#include "policy/path_classes.h"
#include "policy/tables.h"

namespace trigon::policy {

class ChildSets {
 public:
  // Known sets keep their bits, new ones take the next. Bits of sets that are no longer asked for are kept, too:
  // processes carry them until they exit, and another set must not inherit them. An error names the policy with which
  // the bits are used up.
  static Result<ChildSets> create(std::span<const Policy* const> policies, CompileState& state);

  uint32_t bit(const Policy& policy, const BinaryFilter& filter) const;
  void write(const PathClasses& classes, Tables& tables, CompiledSet& out) const;

 private:
  struct Set {
    const BinaryFilter* filter;
    bool literal;
    uint32_t bit;
  };
  void write_kind(bool parent, const PathClasses& classes, uint32_t path_dim, uint32_t file_dim, Tables& tables) const;

  std::map<std::string, Set> sets_;  // by key
};

}  // namespace trigon::policy
