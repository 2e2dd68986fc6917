#include "cli/config_dir.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/suggest.h"

namespace trigon::cli {

std::string variable_of(std::string_view key) {
  std::string name = "TRIGON_";
  for (const char c : key) name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

Result<void> load_config_dir(const std::string& path, bool required, std::span<const std::string_view> keys) {
  std::error_code error;
  std::filesystem::directory_iterator directory(path, error);
  if (error) {
    if (!required) return {};
    return Error(ErrorCode::kUsage, fmt::format("--config-dir {}: {}", path, error.message()));
  }
  for (const auto& entry : directory) {
    const std::string key = entry.path().filename();
    if (key.starts_with('.') || !entry.is_regular_file(error)) continue;  // follows links
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      return Error(ErrorCode::kUsage,
                   fmt::format("{}: there is no key \"{}\"{}", entry.path().string(), key, did_you_mean(key, keys)));
    std::ifstream file(entry.path());
    std::ostringstream content;
    content << file.rdbuf();
    if (!file) return Error(ErrorCode::kUsage, fmt::format("cannot read {}", entry.path().string()));
    std::string value = content.str();
    const char* blanks = " \t\r\n";
    value.erase(value.find_last_not_of(blanks) + 1);
    value.erase(0, value.find_first_not_of(blanks));
    setenv(variable_of(key).c_str(), value.c_str(), 0);
  }
  return {};
}

}  // namespace trigon::cli
