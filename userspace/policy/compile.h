// From policies to the tables of one generation.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "policy/compiled.h"
#include "policy/ir.h"

namespace trigon::policy {

// A file, whatever it is called.
struct FileId {
  uint32_t device = 0;  // kernel encoding, major << 20 | minor
  uint64_t inode = 0;
  auto operator<=>(const FileId&) const = default;
};

struct CompileOptions {
  // The file that a path of matchBinaries leads to; nothing: there is none, or it cannot be told. Asked once per path.
  // Absent: binaries are compared by their paths only.
  std::function<std::optional<FileId>(const std::string& path)> resolve_file;
};

// Disabled policies contribute nothing but keep their number. `generation` counts from 1; `state` is that of the set
// before, empty at first. Slots, vectors and selectors are numbered from 0: whoever writes them adds the offset of the
// generation's half. An error names the policy with which a limit of bpf/abi/limits.h is exceeded; nothing has changed
// then. The policies are not kept.
Result<CompiledSet> compile(std::span<const Policy> policies, uint32_t generation, const CompileState& state,
                            const CompileOptions& options = {});

// What a policy is called where all are: its name, of a namespaced one "namespace/name".
std::string policy_key(const Policy& policy);

}  // namespace trigon::policy
