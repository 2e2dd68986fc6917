// trigon trace: a tracer that needs no daemon and no configuration.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/exit_code.h"
#include "cli/sensor_flags.h"
#include "cli/verbs.h"
#include "daemon/policy_dir.h"
#include "daemon/runtime.h"

namespace trigon::cli {

namespace {

struct TraceFlags {
  SensorFlags sensor;
  std::vector<std::string> policies;
  std::string output = "compact";
  std::string output_file = "-";
  bool timestamps = false;
  bool everyone = false;
  std::vector<std::string> command;
};

void add_common(CLI::App* verb, TraceFlags* flags) {
  verb->add_option("-o,--output", flags->output, "compact or json")
      ->check(CLI::IsMember({"compact", "json"}))
      ->capture_default_str();
  verb->add_option("--output-file", flags->output_file, "Write events there (-: standard output)")
      ->capture_default_str();
  verb->add_flag("--timestamps", flags->timestamps, "Times in compact output");
  flags->sensor.add_to(verb);
  verb->add_option("command", flags->command, "After --: run this and follow only it and its descendants");
}

// The command's exit code when there is one.
Result<int> run_trace(const TraceFlags& flags, uint32_t kinds) {
  if (policy::Loaded loaded = policy::load_paths(flags.policies); !loaded.ok())
    return Error(ErrorCode::kInvalidPolicy, policy::format(loaded.diagnostics));
  daemon::RuntimeOptions options = flags.sensor.runtime_options();
  daemon::OutputOptions output;
  output.file.path = flags.output_file;
  output.format = flags.output == "json" ? daemon::Format::kJson : daemon::Format::kCompact;
  output.color = output.format == daemon::Format::kCompact && flags.output_file == "-" && color_wanted();
  output.timestamps = flags.timestamps;
  output.kinds = kinds;
  options.outputs.push_back(std::move(output));

  TRIGON_TRY(auto runtime, daemon::Runtime::create(std::move(options)));
  TRIGON_CHECK(runtime->start());
  std::optional<daemon::Launcher> command;
  if (!flags.command.empty()) {
    TRIGON_TRY(command, daemon::Launcher::prepare(flags.command));
    TRIGON_CHECK(runtime->follow(&*command, true));
  }
  policy::Loaded loaded = policy::load_paths(flags.policies, runtime->policy_options());
  if (!loaded.ok()) return Error(ErrorCode::kInvalidPolicy, policy::format(loaded.diagnostics));
  const size_t wanted = loaded.policies.size();
  TRIGON_TRY(const auto failures, runtime->policies().replace("trace", std::move(loaded.policies)));
  daemon::report_failures(failures);
  if (wanted > 0 && failures.size() == wanted)
    return Error(ErrorCode::kUnsupported, "none of the policies can be served here (see above)");
  runtime->forget_kernel();
  if (!command) fmt::print(stderr, "trigon: ready; Ctrl-C ends it\n");
  TRIGON_CHECK(runtime->run());
  fmt::print(stderr, "trigon: {}\n", runtime->summary());
  return command ? command->wait() : 0;
}

void finish(const Result<int>& result, int& exit_code) { exit_code = result.ok() ? *result : report(result.error()); }

}  // namespace

void add_trace(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<TraceFlags>();
  CLI::App* verb = app.add_subcommand("trace", "Trace without a daemon and without configuration");
  verb->add_option("-p,--policy", flags->policies, "Policy file or directory (repeatable)")->allow_extra_args(false);
  add_common(verb, flags.get());
  verb->footer(
      fmt::format("Examples:\n"
                  "  trigon trace exec                          programs that start and end\n"
                  "  trigon trace exec -- make                  only those of this command\n"
                  "  trigon trace -p policy.yaml                what the policy matches, on the whole machine\n"
                  "  trigon trace -p policy.yaml -- ./server    only in this command and its descendants\n\n"
                  "With a command the exit code is the command's (128 + signal when it was killed).\n{}",
                  kExitCodesHelp));

  auto exec_flags = std::make_shared<TraceFlags>();
  CLI::App* exec = verb->add_subcommand("exec", "Programs that start and end");
  add_common(exec, exec_flags.get());
  exec->footer(
      fmt::format("Examples:\n"
                  "  trigon trace exec\n"
                  "  trigon trace exec -o json --enable-process-cred\n"
                  "  trigon trace exec -- sh -c 'ls | wc -l'\n\n{}",
                  kExitCodesHelp));
  exec->callback([exec_flags, &exit_code] {
    finish(
        run_trace(*exec_flags, output::kind_bit(output::EventKind::kExec) | output::kind_bit(output::EventKind::kExit)),
        exit_code);
  });
  verb->callback([flags, verb, exec, &exit_code] {
    if (exec->parsed()) return;
    if (flags->policies.empty()) {
      exit_code = report(Error(ErrorCode::kUsage, "trace: say what: `trigon trace exec`, or a policy with -p FILE"));
      return;
    }
    (void)verb;
    finish(run_trace(*flags, output::kind_bit(output::EventKind::kHook)), exit_code);
  });
}

}  // namespace trigon::cli
