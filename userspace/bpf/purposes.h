// What Trigon uses the kernel for, by which means, in order of preference. One table: `trigon doctor` prints what it
// comes to on a kernel, docs/reference/kernel-support.md is checked against it.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/features.h"

namespace trigon::bpf {

// One means. Needs all of `needs` (kCount: no more).
struct Candidate {
  const char* name;  // "tp_btf/sched_process_exec"
  std::array<Feature, 2> needs;
  bool carried;  // whether this version of Trigon can use it, or only the kernel could
};

struct Purpose {
  const char* name;   // stable, of the JSON: "program_execution"
  const char* title;  // "programs that start"
  bool required;      // the agent cannot run without
  std::span<const Candidate> candidates;
};
std::span<const Purpose> purposes();

// A candidate that was not taken though it is preferred.
struct PassedOver {
  const Candidate* candidate;
  bool available;   // the kernel has it, this version of Trigon does not use it
  std::string why;  // one sentence without a final stop
};

struct Choice {
  const Purpose* purpose;
  const Candidate* chosen;  // nullptr: nothing that Trigon carries works here
  std::vector<PassedOver> passed_over;
};
// Probes what the candidates need, until one is taken.
Choice choose(const Purpose& purpose, Features& features);

// Whether the agent can run: an Error (kUnsupported or kPermission) of one sentence names what is missing. Probes only
// what is required.
Result<void> check_required(Features& features);

}  // namespace trigon::bpf
