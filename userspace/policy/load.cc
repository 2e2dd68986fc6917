#include "policy/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include "policy/parse_yaml.h"

namespace trigon::policy {
namespace {

namespace fs = std::filesystem;

// A policy of ten thousand values has a few hundred KiB; the whole file is held in memory.
constexpr uintmax_t kMaxFile = 16 * 1024 * 1024;

class Loader {
 public:
  explicit Loader(const Options& options) : options_(options) {}

  void path(const std::string& name) {
    std::error_code error;
    const fs::file_status status = fs::status(name, error);
    if (fs::is_directory(status)) return directory(name);
    if (fs::exists(status)) return file(name);
    refuse(name, error ? error.message() : std::strerror(ENOENT));
  }

  void text(std::string name, std::string content) {
    ++loaded_.files;
    Sink sink(std::make_shared<const Source>(Source{std::move(name), std::move(content)}));
    const std::vector<Node> documents = parse_yaml(sink);
    if (documents.empty() && sink.count() == 0) sink.error({1, 1}, "no policy in it");
    for (const Node& document : documents) {
      auto policy = validate(document, options_, sink);
      if (policy && is_new(*policy, sink)) loaded_.policies.push_back(std::move(*policy));
    }
    for (Diagnostic& diagnostic : std::move(sink).take()) loaded_.diagnostics.push_back(std::move(diagnostic));
  }

  Loaded take() && { return std::move(loaded_); }

 private:
  void refuse(const std::string& name, std::string message) {
    loaded_.diagnostics.push_back({std::make_shared<const Source>(Source{name, {}}), {}, std::move(message)});
  }

  void directory(const std::string& name) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(name, error), end; !error && it != end; it.increment(error)) {
      const std::string extension = it->path().extension().string();
      std::error_code ignored;
      if ((extension == ".yaml" || extension == ".yml") && !it->is_directory(ignored)) {
        names.push_back(it->path().string());
      }
    }
    if (error) return refuse(name, error.message());
    std::sort(names.begin(), names.end());
    for (const std::string& each : names) file(each);
  }

  void file(const std::string& name) {
    std::error_code error;
    if (fs::is_regular_file(name, error) && fs::file_size(name, error) > kMaxFile) {
      return refuse(name, fmt::format("larger than {} MiB", kMaxFile >> 20));
    }
    errno = 0;
    std::ifstream in(name, std::ios::binary);
    std::ostringstream content;
    if (in && in.peek() != std::ifstream::traits_type::eof()) content << in.rdbuf();
    if (!in.is_open() || in.bad() || content.bad()) return refuse(name, std::strerror(errno ? errno : EIO));
    text(name, std::move(content).str());
  }

  bool is_new(const Policy& policy, Sink& sink) {
    // One name in two namespaces is two policies.
    const std::string key = policy.k8s_namespace + "/" + policy.name;
    const auto [first, added] = names_.try_emplace(key, policy.source->name, policy.position.line);
    if (!added) {
      sink.error(policy.position, fmt::format("a policy named `{}` already exists ({}:{})", policy.name,
                                              first->second.first, first->second.second));
    }
    return added;
  }

  Options options_;
  Loaded loaded_;
  std::map<std::string, std::pair<std::string, uint32_t>> names_;
};

}  // namespace

Loaded load_paths(std::span<const std::string> paths, const Options& options) {
  Loader loader(options);
  for (const std::string& path : paths) loader.path(path);
  return std::move(loader).take();
}

Loaded load_text(std::string name, std::string text, const Options& options) {
  Loader loader(options);
  loader.text(std::move(name), std::move(text));
  return std::move(loader).take();
}

}  // namespace trigon::policy
