#include "enrich/container.h"

#include <algorithm>
#include <cctype>

namespace trigon::enrich {
namespace {

using process::ContainerRuntime;

constexpr size_t kIdChars = 64;  // SHA-256 in hex, what docker, containerd, cri-o and podman name containers by

bool is_hex_id(std::string_view text) {
  return text.size() == kIdChars && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool strip_prefix(std::string_view* text, std::string_view prefix) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}

bool strip_suffix(std::string_view* text, std::string_view suffix) {
  if (text->size() < suffix.size() || text->substr(text->size() - suffix.size()) != suffix) return false;
  text->remove_suffix(suffix.size());
  return true;
}

constexpr struct {
  std::string_view prefix;
  ContainerRuntime runtime;
} kScopes[] = {{"docker-", ContainerRuntime::kDocker},
               {"cri-containerd-", ContainerRuntime::kContainerd},
               {"containerd-", ContainerRuntime::kContainerd},
               {"nerdctl-", ContainerRuntime::kContainerd},
               {"crio-", ContainerRuntime::kCrio},
               {"libpod-", ContainerRuntime::kPodman}};

// "docker-ID.scope" and its relatives; the scope's suffix is missing with a cgroupfs driver. What monitors a container
// ("crio-conmon-ID", "libpod-conmon-ID") is not in it.
std::optional<ContainerName> scope_of(std::string_view component) {
  strip_suffix(&component, ".scope");
  // systemd drivers may be given any prefix (kubelet with a custom runtime): RUNTIME-ID
  for (const auto& scope : kScopes) {
    std::string_view rest = component;
    if (!strip_prefix(&rest, scope.prefix)) continue;
    if (is_hex_id(rest)) return ContainerName{rest, scope.runtime};
    return std::nullopt;
  }
  return std::nullopt;
}

// nspawn and machined: names, not ids.
std::optional<ContainerName> machine_of(std::string_view component) {
  std::string_view rest = component;
  if (strip_prefix(&rest, "systemd-nspawn@") && strip_suffix(&rest, ".service") && !rest.empty()) {
    return ContainerName{rest, ContainerRuntime::kNspawn};
  }
  rest = component;
  if (strip_prefix(&rest, "machine-") && strip_suffix(&rest, ".scope") && !rest.empty()) {
    return ContainerName{rest, ContainerRuntime::kNspawn};
  }
  rest = component;
  if (strip_prefix(&rest, "lxc.payload.") && !rest.empty()) return ContainerName{rest, ContainerRuntime::kLxc};
  return std::nullopt;
}

bool is_kube(std::string_view component) { return component.substr(0, 8) == "kubepods"; }

}  // namespace

std::optional<ContainerName> container_of(std::string_view path) {
  std::optional<ContainerName> found;
  std::string_view above;  // the component before
  bool in_kube = false;
  bool in_docker = false;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (component.empty()) continue;
    in_kube = in_kube || is_kube(component);
    if (auto scope = scope_of(component)) {
      found = scope;
    } else if (auto machine = machine_of(component)) {
      found = machine;
    } else if (is_hex_id(component)) {
      // A bare id: whose it is, the place tells. Everything below a kubelet's pod is a container of some runtime;
      // containerd's own clients use /NAMESPACE/ID.
      ContainerRuntime runtime = ContainerRuntime::kUnknown;
      if (above == "docker" || in_docker) runtime = ContainerRuntime::kDocker;
      if (!above.empty() && above != "docker" && !in_kube && !in_docker) runtime = ContainerRuntime::kContainerd;
      found = ContainerName{component, runtime};
    } else if (above == "lxc") {
      found = ContainerName{component, ContainerRuntime::kLxc};
    } else if (in_kube && component.size() > kIdChars) {
      // RUNTIME-ID.scope of a runtime that is not in the table.
      std::string_view rest = component;
      strip_suffix(&rest, ".scope");
      const size_t dash = rest.rfind('-');
      if (dash != std::string_view::npos && is_hex_id(rest.substr(dash + 1)) &&
          rest.find("conmon") == std::string_view::npos) {
        found = ContainerName{rest.substr(dash + 1), ContainerRuntime::kUnknown};
      }
    }
    in_docker = in_docker || component == "docker";
    above = component;
  }
  return found;
}

}  // namespace trigon::enrich
