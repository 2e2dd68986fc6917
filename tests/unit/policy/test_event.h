// One event as the tests of the compiler tell it: what every value, the process and its ancestors are. Both sides read
// it: the naive evaluator (reference.h) and the interpreter of tables (table_interpreter.h).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/compile.h"

namespace trigon::policy {

// Whatever a field may be read as; its type decides what of it counts.
struct TestValue {
  bool readable = true;
  uint64_t number = 0;
  std::string bytes;                                         // text, path
  uint16_t mode = 0;                                         // i_mode
  std::map<trigon_part, uint16_t> parts;                     // family, protocol, state, ports; absent: there is none
  std::map<trigon_part, std::array<uint8_t, 16>> addresses;  // source, destination
};

struct TestBinary {
  std::string path;
  FileId file;
};

struct TestEvent {
  bool is_syscall = true;
  uint8_t abi = TRIGON_ABI_NATIVE;
  uint16_t number = 0;
  HookPoint point;  // of others

  std::map<uint32_t, TestValue> values;  // by value_key(); others are unreadable
  uint32_t pid = 0, ns_pid = 0;
  std::vector<uint32_t> lineage, ns_lineage;  // pids of the process and its ancestors; as their own namespaces see them
  std::vector<TestBinary> binaries = std::vector<TestBinary>(2);  // its own, its parent's, …
  std::array<uint32_t, TRIGON_NAMESPACES> namespaces{};
  uint64_t namespace_changes = 0;
  std::array<uint64_t, TRIGON_CAP_SETS> caps{}, cap_changes{};
  std::array<uint32_t, TRIGON_CRED_IDS> creds{};
  std::string pod_namespace, container;  // empty: on the host
};

// Which value of the event a field reads.
inline uint32_t value_key(uint8_t source, uint32_t place, bool at_return) {
  return source * 1000U + place * 2U + (at_return ? 1 : 0);
}
inline uint32_t value_key(const trigon_field_conf& conf) {
  const bool at_return = (conf.flags & TRIGON_CONF_AT_RETURN) != 0;
  if (conf.source == TRIGON_FROM_RETURN) return value_key(conf.source, 0, true);
  return value_key(conf.source, conf.source == TRIGON_FROM_ARG ? conf.arg : conf.off[0], at_return);
}
inline uint32_t arg_key(uint8_t arg) { return value_key(TRIGON_FROM_ARG, arg, false); }

// The engine's part: whether the event's control group belongs to a workload.
inline bool belongs(const WorkloadFilter& filter, const TestEvent& event) {
  if (!filter.k8s_namespace.empty() && filter.k8s_namespace != event.pod_namespace) return false;
  const Workload& workload = filter.workload;
  if (workload.any()) return true;
  if (workload.host && event.container.empty()) return true;
  if (!workload.containers || event.container.empty()) return false;
  return std::all_of(workload.containers->begin(), workload.containers->end(), [&](const LabelRequirement& r) {
    return std::find(r.values.begin(), r.values.end(), event.container) != r.values.end();
  });
}

}  // namespace trigon::policy
