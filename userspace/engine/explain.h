// What a policy does on a kernel, before anybody loads it: `trigon policy explain`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bpf/features.h"
#include "engine/grade.h"
#include "policy/policy.h"

namespace trigon::engine {

struct SelectorExplanation {
  std::string label;
  std::vector<std::string> filters;  // all must hold; none: every event
  std::vector<std::string> actions;
  Verdict verdict;
};

// Look-ups for one event of the hook, by what they cost.
struct LookupCost {
  std::string_view kind;  // "string", "path", …
  std::string_view what;  // in words
  size_t count = 0;
};

struct HookExplanation {
  std::string where;                   // "sys_openat", "lsm/file_open"
  std::string mechanism;               // "fentry"; empty: it cannot be served here
  std::vector<std::string> otherwise;  // taken when the kernel refuses the mechanism for this hook
  std::vector<std::string> reasons;    // why none that would be better; why none at all
  bool unknown = false;                // this process may not ask the kernel: `mechanism` is empty, `reasons` say so
  std::vector<std::string> values;
  std::vector<SelectorExplanation> selectors;
  std::vector<LookupCost> lookups;
  std::string_view measured;  // what docs/reference/benchmarks.md says of such a hook; may be empty
};

struct PolicyExplanation {
  std::string name;  // "namespace/name" of a namespaced one
  std::string file;
  bool monitor = false;
  std::string workload;             // empty: every process
  std::vector<std::string> errors;  // why it would be set aside on this kernel, beside hooks that cannot be served
  std::vector<HookExplanation> hooks;

  bool served() const;
};

PolicyExplanation explain(const policy::Policy& policy, bpf::Features& features);

}  // namespace trigon::engine
