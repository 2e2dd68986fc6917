// trigon version.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <CLI/CLI.hpp>

#include "bpf/abi/types.h"
#include "cli/exit_code.h"
#include "cli/verbs.h"

namespace trigon::cli {

void add_version(CLI::App& app, int& exit_code) {
  auto output = std::make_shared<std::string>("text");
  CLI::App* verb = app.add_subcommand("version", "Version of trigon and of the kernel it runs on");
  verb->add_option("-o,--output", *output, "text or json")->check(CLI::IsMember({"text", "json"}));
  verb->footer("Examples:\n  trigon version\n  trigon version -o json\n\nExit codes: 0 fine, 2 usage.");
  verb->callback([output, &exit_code] {
    utsname kernel{};
    uname(&kernel);
    if (*output == "json")
      fmt::print("{{\"version\":\"{}\",\"abi\":{},\"kernel\":\"{}\",\"machine\":\"{}\"}}\n", TRIGON_VERSION,
                 TRIGON_ABI_VERSION, kernel.release, kernel.machine);
    else
      fmt::print("trigon {} (record ABI {}) on Linux {} {}\n", TRIGON_VERSION, TRIGON_ABI_VERSION, kernel.release,
                 kernel.machine);
    exit_code = kExitOk;
  });
}

}  // namespace trigon::cli
