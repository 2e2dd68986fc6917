#include "cli/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/suggest.h"
#include "cli/config_dir.h"
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

// CLI11 reads the environment while it parses, so that the directory must be in it before.
Result<void> read_config_dir(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || std::string_view(argv[1]) != "agent") return {};
  const char* path = std::getenv("TRIGON_CONFIG_DIR");
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--config-dir" && i + 1 < argc) path = argv[i + 1];
    if (word.starts_with("--config-dir=")) path = argv[i] + sizeof("--config-dir=") - 1;
  }
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_subcommand("agent")->get_options())
    if (!option->get_envname().empty() && option->get_name() != "--config-dir")
      names.push_back(option->get_lnames().front());
  const std::vector<std::string_view> keys(names.begin(), names.end());
  return load_config_dir(path != nullptr ? path : "/etc/trigon/trigon.conf.d", path != nullptr, keys);
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
  if (auto read = read_config_dir(app, argc, argv); !read.ok()) return report(read.error());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" with code 0.
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return exit_code;
}

}  // namespace trigon::cli
