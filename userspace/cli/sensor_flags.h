// Flags that every verb with a sensor has, under the names of Tetragon's where they mean the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/runtime.h"

namespace CLI {
class App;
}

namespace trigon::cli {

struct SensorFlags {
  uint64_t rb_size_total = 4 << 20;
  size_t process_cache_size = 65536;
  bool process_cred = false;
  bool process_ns = false;
  bool environment = false;
  std::vector<std::string> environment_names;
  std::vector<std::string> ancestors;
  std::string cluster_name;
  bool stack_addresses = false;
  std::vector<std::string> get_urls;
  std::vector<std::string> dns_lookups;
  bool no_task_storage = false;

  void add_to(CLI::App* verb);
  // Everything but the outputs.
  daemon::RuntimeOptions runtime_options() const;
};

// Whether to colour what goes to standard output: a terminal, and NO_COLOR (no-color.org) is not set.
bool color_wanted();

}  // namespace trigon::cli
