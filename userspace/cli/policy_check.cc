// trigon policy check: whether files are valid. Needs no root and no kernel.
#include <fmt/format.h>

#include "cli/exit_code.h"
#include "cli/policy_verbs.h"
#include "policy/policy.h"

namespace trigon::cli {

int check_policies(const std::vector<std::string>& paths) {
  policy::Loaded loaded = policy::load_paths(paths);
  fmt::print(stderr, "{}", policy::format(loaded.diagnostics));
  // Valid one by one, they may still not fit together.
  if (loaded.ok()) {
    if (auto set = policy::compile(loaded.policies, 1, {}); !set.ok()) {
      fmt::print(stderr, "trigon: {}\n", set.error().message());
      return kExitInvalidPolicy;
    }
  }
  if (loaded.ok() && loaded.policies.empty()) {
    fmt::print(stderr, "trigon: no policies there: of a directory, the *.yaml and *.yml files in it are read\n");
    return kExitFailed;
  }
  for (const policy::Policy& policy : loaded.policies)
    fmt::print("ok {} ({})\n", policy.name, policy.source ? policy.source->name : "");
  return loaded.ok() ? kExitOk : kExitInvalidPolicy;
}

}  // namespace trigon::cli
