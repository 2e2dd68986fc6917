// Policy files and directories.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "policy/diagnostics.h"
#include "policy/ir.h"
#include "policy/validate.h"

namespace trigon::policy {

struct Loaded {
  std::vector<Policy> policies;         // the valid ones, in order
  std::vector<Diagnostic> diagnostics;  // everything that is wrong; empty: all is well
  size_t files = 0;                     // looked at

  bool ok() const { return diagnostics.empty(); }
};

// Files as they are named; of directories the *.yaml and *.yml files in them, by name, not those of subdirectories. A
// name used twice is an error of the second place.
Loaded load_paths(std::span<const std::string> paths, const Options& options = {});

// The same for text that is already here (an API call, a test); `name` stands where the path would.
Loaded load_text(std::string name, std::string text, const Options& options = {});

}  // namespace trigon::policy
