// trigon completion: scripts for shells, made from the verbs and flags themselves.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/exit_code.h"
#include "cli/verbs.h"

namespace trigon::cli {

namespace {

bool any(const CLI::App*) { return true; }

// "trigon trace exec" -> the words that may follow.
void collect(const CLI::App* verb, const std::string& path, std::vector<std::pair<std::string, std::string>>* out) {
  std::string words;
  for (const CLI::App* sub : verb->get_subcommands(any)) words += sub->get_name() + " ";
  for (const CLI::Option* option : verb->get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
    for (const std::string& name : option->get_snames()) words += "-" + name + " ";
  }
  out->emplace_back(path, words);
  for (const CLI::App* sub : verb->get_subcommands(any)) collect(sub, path + " " + sub->get_name(), out);
}

void print_bash(const CLI::App& app) {
  std::vector<std::pair<std::string, std::string>> rows;
  collect(&app, "trigon", &rows);
  fmt::print(
      "# bash completion for trigon; source it, or put it into /usr/share/bash-completion/completions/trigon\n"
      "_trigon() {{\n"
      "  local word=\"${{COMP_WORDS[COMP_CWORD]}}\" path=trigon i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"$path ${{COMP_WORDS[i]}}\" in\n");
  for (const auto& [path, words] : rows)
    if (path != "trigon") fmt::print("      \"{}\") path=\"{}\" ;;\n", path, path);
  fmt::print("    esac\n  done\n  local words=\n  case \"$path\" in\n");
  for (const auto& [path, words] : rows) fmt::print("    \"{}\") words=\"{}\" ;;\n", path, words);
  fmt::print(
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "  [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
      "}}\n"
      "complete -o filenames -F _trigon trigon\n");
}

void print_zsh(const CLI::App& app) {
  fmt::print("#compdef trigon\nautoload -U +X bashcompinit && bashcompinit\n");
  print_bash(app);
}

void print_fish(const CLI::App& app) {
  std::vector<std::pair<std::string, std::string>> rows;
  collect(&app, "trigon", &rows);
  fmt::print("# fish completion for trigon; put it into ~/.config/fish/completions/trigon.fish\n");
  for (const auto& [path, words] : rows) {
    // "trigon trace exec" -> "trace exec": the words that must have been seen.
    const std::string seen = path == "trigon" ? "" : path.substr(7);
    std::string condition = "__fish_use_subcommand";
    if (!seen.empty()) {
      condition.clear();
      for (size_t at = 0; at != std::string::npos;) {
        size_t space = seen.find(' ', at);
        if (!condition.empty()) condition += "; and ";
        condition += "__fish_seen_subcommand_from " + seen.substr(at, space == std::string::npos ? space : space - at);
        at = space == std::string::npos ? space : space + 1;
      }
    }
    fmt::print("complete -c trigon -n '{}' -a '{}'\n", condition, words);
  }
}

}  // namespace

void add_completion(CLI::App& app, int& exit_code) {
  auto shell = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand("completion", "Completion script for a shell");
  verb->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  verb->footer("Examples:\n  source <(trigon completion bash)\n\nExit codes: 0 fine, 2 usage.");
  verb->callback([shell, &app, &exit_code] {
    if (*shell == "bash") print_bash(app);
    if (*shell == "zsh") print_zsh(app);
    if (*shell == "fish") print_fish(app);
    exit_code = kExitOk;
  });
}

}  // namespace trigon::cli
