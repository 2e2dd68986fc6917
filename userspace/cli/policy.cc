// trigon policy: work on policy files.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/exit_code.h"
#include "cli/policy_verbs.h"
#include "cli/verbs.h"

namespace trigon::cli {

void add_policy(CLI::App& app, int& exit_code) {
  CLI::App* verb = app.add_subcommand("policy", "Work on policy files");
  verb->require_subcommand(1);
  verb->footer(
      fmt::format("Examples:\n"
                  "  trigon policy check policies/\n"
                  "  trigon policy explain policies/etc-write.yaml\n\n{}",
                  kExitCodesHelp));

  auto paths = std::make_shared<std::vector<std::string>>();
  CLI::App* check =
      verb->add_subcommand("check", "Check files, or all *.yaml and *.yml of directories; no root needed");
  check->add_option("paths", *paths, "Files or directories")->required();
  check->footer(
      fmt::format("Examples:\n"
                  "  trigon policy check policy.yaml\n"
                  "  trigon policy check policies/ extra.yaml\n\n{}",
                  kExitCodesHelp));
  check->callback([paths, &exit_code] { exit_code = check_policies(*paths); });

  auto output = std::make_shared<std::string>("text");
  CLI::App* explain =
      verb->add_subcommand("explain", "Say what policies do on this kernel: where they attach, what they can prevent");
  explain->add_option("paths", *paths, "Files or directories")->required();
  explain->add_option("-o,--output", *output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  explain->footer(
      fmt::format("Examples:\n"
                  "  trigon policy explain policy.yaml\n"
                  "  trigon policy explain policies/ -o json\n\n"
                  "Nothing is loaded or attached for long. Without root the files are explained, and what this kernel\n"
                  "can do is not known. Exit code 4: some hook cannot be served here.\n{}",
                  kExitCodesHelp));
  explain->callback([paths, output, &exit_code] { exit_code = explain_policies(*paths, *output == "json"); });
}

}  // namespace trigon::cli
