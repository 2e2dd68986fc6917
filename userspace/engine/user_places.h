// Where in a file a uprobe or a USDT of a policy goes, and how its values are read there.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/hook_program.h"
#include "policy/compiled.h"

namespace trigon::engine {

// A copy of `common` for each place that `point` (kUprobe or kUsdt) has in its file. Blocking reads of that file.
// kNotFound names a near symbol or probe.
Result<std::vector<bpf::HookProgramSpec>> user_specs(const policy::HookPoint& point,
                                                     const bpf::HookProgramSpec& common);

// Whether the file is one of those that `digests` ("sha256:hex", "build-id:hex") allow. kPermission when it is not.
Result<void> check_digests(const std::string& path, const std::vector<std::string>& digests);

}  // namespace trigon::engine
