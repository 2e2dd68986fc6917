#include "cli/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/suggest.h"
#include "cli/doctor.h"
#include "cli/exit_code.h"
#include "cli/verbs.h"

namespace trigon::cli {

int report(const Error& error) {
  const std::string& text = error.message();
  const bool diagnostics = error.code() == ErrorCode::kInvalidPolicy && !text.empty() && text.back() == '\n';
  if (diagnostics)
    fmt::print(stderr, "{}", text);
  else
    fmt::print(stderr, "trigon: {}\n", text);
  return exit_code_of(error.code());
}

namespace {

// "trigon agnet": CLI11 only says that it did not expect the word.
std::string suggestion(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return {};
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (verb->get_name() == argv[1]) return {};
    names.push_back(verb->get_name());
  }
  std::vector<std::string_view> views(names.begin(), names.end());
  auto found = nearest(argv[1], views);
  return found ? fmt::format("trigon: there is no verb \"{}\"; did you mean \"{}\"?\n", argv[1], *found)
               : fmt::format("trigon: there is no verb \"{}\"; `trigon --help` lists them\n", argv[1]);
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App app("Trigon: sees what processes do, decides in the kernel against YAML policies.", "trigon");
  app.require_subcommand(1);
  app.footer(
      fmt::format("Examples:\n"
                  "  trigon trace exec                      every program that starts and ends, live\n"
                  "  trigon trace -p policy.yaml -- make    a command under policies\n"
                  "  trigon agent --tracing-policy-dir /etc/trigon/policies --export-filename /var/log/trigon.json\n"
                  "  trigon policy check policies/          no root needed\n"
                  "  trigon doctor                          what this kernel offers\n\n{}",
                  kExitCodesHelp));
  app.set_version_flag("--version", std::string("trigon ") + TRIGON_VERSION, "Print the version and exit");
  int exit_code = kExitOk;
  add_agent(app, exit_code);
  add_trace(app, exit_code);
  add_policy(app, exit_code);
  add_doctor(app, exit_code);
  add_version(app, exit_code);
  add_completion(app, exit_code);
  if (std::string text = suggestion(app, argc, argv); !text.empty()) {
    fmt::print(stderr, "{}", text);
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" with code 0.
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return exit_code;
}

}  // namespace trigon::cli
