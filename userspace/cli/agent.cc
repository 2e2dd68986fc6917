// trigon agent: the daemon.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/exit_code.h"
#include "cli/sensor_flags.h"
#include "cli/verbs.h"
#include "daemon/lock.h"
#include "daemon/policy_dir.h"
#include "daemon/runtime.h"
#include "daemon/status.h"

namespace trigon::cli {

namespace {

constexpr const char* kDefaultPolicyDir = "/etc/trigon/trigon.tp.d";

struct AgentFlags {
  SensorFlags sensor;
  std::string export_filename;
  std::string export_file_perm = "600";
  uint64_t export_file_max_size_mb = 10;
  unsigned export_file_max_backups = 5;
  std::vector<std::string> policies;
  std::string policy_dir = kDefaultPolicyDir;
  std::string output;
  bool timestamps = false;
  std::string metrics_server;
  std::string server_address;
  std::string config_dir;
};

Result<void> run_agent(const AgentFlags& flags, bool dir_was_given) {
  if (!flags.server_address.empty())
    return Error(ErrorCode::kUsage, "--server-address: this version has no gRPC server; leave the flag out");
  daemon::RuntimeOptions options = flags.sensor.runtime_options();
  if (!flags.export_filename.empty()) {
    daemon::OutputOptions file;
    file.file.path = flags.export_filename;
    file.file.mode = static_cast<mode_t>(std::strtoul(flags.export_file_perm.c_str(), nullptr, 8));
    file.file.max_size_mb = flags.export_file_max_size_mb;
    file.file.max_backups = flags.export_file_max_backups;
    options.outputs.push_back(std::move(file));
  }
  std::string output = flags.output;
  if (output.empty() && isatty(STDOUT_FILENO) == 1) output = "compact";
  if (!output.empty() && output != "none") {
    daemon::OutputOptions console;
    console.file.path = "-";
    console.format = output == "json" ? daemon::Format::kJson : daemon::Format::kCompact;
    console.color = console.format == daemon::Format::kCompact && color_wanted();
    console.timestamps = flags.timestamps;
    options.outputs.push_back(std::move(console));
  }

  // Everything that a mistake of the caller can spoil comes before the kernel is touched.
  if (policy::Loaded loaded = policy::load_paths(flags.policies); !loaded.ok())
    return Error(ErrorCode::kInvalidPolicy, policy::format(loaded.diagnostics));
  struct stat st;
  if (dir_was_given && !flags.policy_dir.empty() && (stat(flags.policy_dir.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)))
    return Error(ErrorCode::kUsage, fmt::format("--tracing-policy-dir {}: not a directory", flags.policy_dir));

  // Each hook keeps descriptors open; what the hard limit allows is ours to use. (`trace` leaves it alone: its command
  // would inherit it.)
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  TRIGON_TRY(daemon::InstanceLock lock, daemon::InstanceLock::acquire());
  TRIGON_TRY(auto runtime, daemon::Runtime::create(std::move(options)));
  // Again, now against this kernel.
  policy::Loaded loaded = policy::load_paths(flags.policies, runtime->policy_options());
  if (!loaded.ok()) return Error(ErrorCode::kInvalidPolicy, policy::format(loaded.diagnostics));
  TRIGON_TRY(const auto failures, runtime->policies().replace("command line", std::move(loaded.policies)));
  daemon::report_failures(failures);
  runtime->forget_kernel();
  std::unique_ptr<daemon::PolicyDir> directory;
  if (!flags.policy_dir.empty() && (dir_was_given || stat(flags.policy_dir.c_str(), &st) == 0)) {
    TRIGON_TRY(directory, daemon::PolicyDir::open(flags.policy_dir, runtime.get()));
    TRIGON_CHECK(directory->load_all());
    TRIGON_CHECK(directory->watch(&runtime->loop()));
    runtime->on_hangup([d = directory.get()] { d->rescan(); });
  }
  std::unique_ptr<daemon::StatusServer> metrics;
  if (!flags.metrics_server.empty()) {
    TRIGON_TRY(metrics, daemon::StatusServer::listen(flags.metrics_server, runtime.get()));
    TRIGON_CHECK(metrics->watch(&runtime->loop()));
  }
  TRIGON_CHECK(runtime->start());
  if (runtime->sensor().ring_bytes() != flags.sensor.rb_size_total)
    fmt::print(stderr,
               "trigon: --rb-size-total {}: the kernel takes powers of two of at least a page; the ring has {} bytes\n",
               flags.sensor.rb_size_total, runtime->sensor().ring_bytes());
  fmt::print(stderr, "trigon: ready: {} {}, ring {} KiB, kernel memory {} KiB\n", runtime->policies().size(),
             runtime->policies().size() == 1 ? "policy" : "policies", runtime->sensor().ring_bytes() >> 10,
             runtime->sensor().map_bytes() >> 10);
  TRIGON_CHECK(runtime->run());
  fmt::print(stderr, "trigon: stopped: {}\n", runtime->summary());
  return {};
}

}  // namespace

void add_agent(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<AgentFlags>();
  CLI::App* verb = app.add_subcommand("agent", "The daemon: observes the machine and enforces policies");
  const auto env = [](CLI::Option* option, const char* name) { return option->envname(name); };
  env(verb->add_option("--export-filename", flags->export_filename, "JSON file, one event per line"),
      "TRIGON_EXPORT_FILENAME");
  env(verb->add_option("--export-file-perm", flags->export_file_perm, "Mode of that file, octal")
          ->check(CLI::Validator(
              [](std::string& text) {
                return text.empty() || text.size() > 4 || text.find_first_not_of("01234567") != std::string::npos
                           ? std::string("must be an octal mode such as 600")
                           : std::string();
              },
              "MODE"))
          ->capture_default_str(),
      "TRIGON_EXPORT_FILE_PERM");
  env(verb->add_option("--export-file-max-size-mb", flags->export_file_max_size_mb, "Rotate at this size; 0: never")
          ->capture_default_str(),
      "TRIGON_EXPORT_FILE_MAX_SIZE_MB");
  env(verb->add_option("--export-file-max-backups", flags->export_file_max_backups, "Rotated files to keep")
          ->capture_default_str(),
      "TRIGON_EXPORT_FILE_MAX_BACKUPS");
  env(verb->add_option("--tracing-policy", flags->policies, "Policy file or directory (repeatable)")
          ->allow_extra_args(false)
          ->delimiter(','),
      "TRIGON_TRACING_POLICY");
  CLI::Option* dir = env(verb->add_option("--tracing-policy-dir", flags->policy_dir,
                                          "Directory of policies; watched: a file that appears, changes or goes is "
                                          "a policy that does")
                             ->capture_default_str(),
                         "TRIGON_TRACING_POLICY_DIR");
  env(verb->add_option("--metrics-server", flags->metrics_server, "Serve Prometheus metrics on HOST:PORT"),
      "TRIGON_METRICS_SERVER");
  env(verb->add_option("--server-address", flags->server_address, "gRPC address (not in this version)"),
      "TRIGON_SERVER_ADDRESS");
  // Read before the command line is parsed (cli.cc); here for the help and so that it is a known flag.
  env(verb->add_option("--config-dir", flags->config_dir,
                       "Directory with a file per flag, named for it (a mounted ConfigMap); default: "
                       "/etc/trigon/trigon.conf.d"),
      "TRIGON_CONFIG_DIR");
  verb->add_option("-o,--output", flags->output,
                   "Events on standard output: compact, json or none (compact on a terminal, else none)")
      ->check(CLI::IsMember({"compact", "json", "none"}));
  verb->add_flag("--timestamps", flags->timestamps, "Times in compact output");
  flags->sensor.add_to(verb);
  verb->footer(fmt::format(
      "Examples:\n"
      "  trigon agent                                            events on this terminal\n"
      "  trigon agent --export-filename /var/log/trigon.json --tracing-policy-dir /etc/trigon/policies\n"
      "  TRIGON_ENABLE_PROCESS_NS=true trigon agent -o json      every flag has such a variable\n"
      "  trigon agent --config-dir /etc/trigon/trigon.conf.d     a file per flag; flags, then variables, win\n\n"
      "SIGHUP reopens the file and reads the policy directory again; SIGTERM drains and stops.\n{}",
      kExitCodesHelp));
  verb->callback([flags, dir, &exit_code] {
    auto result = run_agent(*flags, dir->count() > 0);
    exit_code = result.ok() ? kExitOk : report(result.error());
  });
}

}  // namespace trigon::cli
