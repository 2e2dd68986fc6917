// Configuration directory: one file per key, named for the flag without its dashes, its trimmed content the value (how
// Kubernetes mounts a ConfigMap). Below flags and TRIGON_* variables in precedence.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace trigon::cli {

// Puts every key into the environment under its variable (export-filename -> TRIGON_EXPORT_FILENAME) unless that is set
// already. `keys` are the valid ones; another name is kUsage, with the nearest. Names that begin with a dot are passed
// over (ConfigMaps have them). A directory that is not there is kUsage when `required`.
Result<void> load_config_dir(const std::string& path, bool required, std::span<const std::string_view> keys);

// "export-filename" -> "TRIGON_EXPORT_FILENAME".
std::string variable_of(std::string_view key);

}  // namespace trigon::cli
