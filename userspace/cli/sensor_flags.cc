#include "cli/sensor_flags.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fstream>

namespace trigon::cli {

namespace {

// The v1 controller that names workloads; index -1 where cgroup2 has them. kernel/cgroup counts the subsystems in the
// order of include/linux/cgroup_subsys.h, which /proc/cgroups lists (those that are built in).
struct V1Controller {
  int index = -1;
  uint32_t hierarchy = 0;
};

V1Controller v1_controller() {
  std::ifstream file("/proc/cgroups");
  std::string line;
  V1Controller found;
  for (int index = 0; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t tab = line.find('\t');
    const std::string name = line.substr(0, tab);
    const int hierarchy = tab == std::string::npos ? 0 : std::atoi(line.c_str() + tab + 1);
    if (hierarchy != 0 && (name == "pids" || (name == "memory" && found.index < 0)))
      found = {index, static_cast<uint32_t>(hierarchy)};
    ++index;
  }
  return found;
}

}  // namespace

bool color_wanted() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == 0);
}

void SensorFlags::add_to(CLI::App* verb) {
  const auto env = [](CLI::Option* option, const char* name) { option->envname(name)->group("Sensor"); };
  env(verb->add_option("--rb-size-total", rb_size_total, "Bytes of the ring buffer (K, M, G accepted)")
          ->transform(CLI::AsSizeValue(false))
          ->capture_default_str(),
      "TRIGON_RB_SIZE_TOTAL");
  env(verb->add_option("--process-cache-size", process_cache_size, "Most processes that are remembered")
          ->capture_default_str(),
      "TRIGON_PROCESS_CACHE_SIZE");
  env(verb->add_flag("--enable-process-cred", process_cred, "Credentials and capabilities in events"),
      "TRIGON_ENABLE_PROCESS_CRED");
  env(verb->add_flag("--enable-process-ns", process_ns, "Namespaces in events"), "TRIGON_ENABLE_PROCESS_NS");
  env(verb->add_flag("--enable-process-environment-variables", environment, "Environment of executed programs"),
      "TRIGON_ENABLE_PROCESS_ENVIRONMENT_VARIABLES");
  env(verb->add_option("--filter-environment-variables", environment_names, "Only these variables")
          ->delimiter(',')
          ->allow_extra_args(false),
      "TRIGON_FILTER_ENVIRONMENT_VARIABLES");
  env(verb->add_option("--enable-ancestors", ancestors,
                       "Events that carry all ancestors: base, kprobe, tracepoint, lsm, uprobe, usdt")
          ->delimiter(',')
          ->allow_extra_args(false)
          ->check(CLI::IsMember({"base", "kprobe", "tracepoint", "lsm", "uprobe", "usdt"})),
      "TRIGON_ENABLE_ANCESTORS");
  env(verb->add_flag("--expose-stack-addresses", stack_addresses,
                     "Addresses in stack traces; they tell where the kernel was loaded"),
      "TRIGON_EXPOSE_STACK_ADDRESSES");
  env(verb->add_option("--allow-get-url", get_urls,
                       "URLs that GetUrl may ask for, by their beginning (repeatable; *: all)")
          ->delimiter(',')
          ->allow_extra_args(false),
      "TRIGON_ALLOW_GET_URL");
  env(verb->add_option("--allow-dns-lookup", dns_lookups,
                       "Names that DnsLookup may look up, by their domain (repeatable; *: all)")
          ->delimiter(',')
          ->allow_extra_args(false),
      "TRIGON_ALLOW_DNS_LOOKUP");
  env(verb->add_option("--cluster-name", cluster_name, "Goes into cluster_name"), "TRIGON_CLUSTER_NAME");
  // Hidden: for the tests of the fallback.
  verb->add_flag("--no-task-storage", no_task_storage)->group("");
}

daemon::RuntimeOptions SensorFlags::runtime_options() const {
  daemon::RuntimeOptions options;
  options.sensor.ring_bytes = rb_size_total;
  options.sensor.environment = environment;
  options.sensor.task_storage = !no_task_storage;
  const V1Controller v1 = v1_controller();
  options.sensor.cgroup_v1_subsystem = v1.index;
  options.cgroup_v1_hierarchy = v1.hierarchy;
  options.json.cluster_name = cluster_name;
  options.json.process_cred = process_cred;
  options.json.process_ns = process_ns;
  options.json.environment = environment;
  options.json.environment_names = environment_names;
  for (const std::string& kind : ancestors) {
    if (kind == "base") options.json.ancestors_base = true;
    if (kind == "kprobe") options.json.ancestors_kprobe = true;
    if (kind == "tracepoint") options.json.ancestors_tracepoint = true;
    if (kind == "lsm") options.json.ancestors_lsm = true;
    if (kind == "uprobe") options.json.ancestors_uprobe = true;
    if (kind == "usdt") options.json.ancestors_usdt = true;
  }
  options.tree.max_entries = process_cache_size;
  options.expose_stack_addresses = stack_addresses;
  options.actions.allow_get_url = get_urls;
  options.actions.allow_dns_lookup = dns_lookups;
  return options;
}

}  // namespace trigon::cli
