// Any bytes as a policy file: errors with positions or policies that compile. No crash, no hang, and every diagnostic
// can be printed. Seeds: tests/fuzz/corpus/policy and policies/.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "policy/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace policy = trigon::policy;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (policy::Arch arch : {policy::Arch::kX86_64, policy::Arch::kArm64}) {
    const policy::Loaded loaded = policy::load_text("fuzz.yaml", text, policy::Options{arch});
    if (policy::format(loaded.diagnostics).empty() != loaded.ok()) std::abort();
    const auto set = policy::compile(loaded.policies, 1, 0);
    if (set.ok() && set->hooks.size() != set->hook_tables.size()) std::abort();
  }
  return 0;
}
