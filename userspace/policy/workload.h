// What pods, containers or the host a selector or policy is for.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace trigon::policy {

struct LabelRequirement {
  enum class Operator { kIn, kNotIn, kExists, kDoesNotExist };
  std::string key;
  Operator op = Operator::kIn;
  std::vector<std::string> values;
  bool operator==(const LabelRequirement&) const = default;
};

struct Workload {
  std::optional<std::vector<LabelRequirement>> pods;        // absent: no podSelector
  std::optional<std::vector<LabelRequirement>> containers;  // absent: no containerSelector
  bool host = false;                                        // hostSelector: {}
  bool any() const { return !pods && !containers && !host; }
  bool operator==(const Workload&) const = default;
};

// What the engine is asked about a control group: does it belong to `workload`, and to a pod of `k8s_namespace` when
// that is not empty?
struct WorkloadFilter {
  std::string k8s_namespace;
  Workload workload;
  bool operator==(const WorkloadFilter&) const = default;
};

}  // namespace trigon::policy
