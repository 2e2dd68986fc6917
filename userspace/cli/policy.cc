// trigon policy: work on policy files. Needs no root and no kernel.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/exit_code.h"
#include "cli/verbs.h"
#include "policy/policy.h"

namespace trigon::cli {

namespace {

int check(const std::vector<std::string>& paths) {
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

}  // namespace

void add_policy(CLI::App& app, int& exit_code) {
  CLI::App* verb = app.add_subcommand("policy", "Work on policy files");
  verb->require_subcommand(1);
  verb->footer(fmt::format("Examples:\n  trigon policy check policies/\n\n{}", kExitCodesHelp));
  auto paths = std::make_shared<std::vector<std::string>>();
  CLI::App* sub = verb->add_subcommand("check", "Check files, or all *.yaml and *.yml of directories; no root needed");
  sub->add_option("paths", *paths, "Files or directories")->required();
  sub->footer(
      fmt::format("Examples:\n"
                  "  trigon policy check policy.yaml\n"
                  "  trigon policy check policies/ extra.yaml\n\n{}",
                  kExitCodesHelp));
  sub->callback([paths, &exit_code] { exit_code = check(*paths); });
}

}  // namespace trigon::cli
