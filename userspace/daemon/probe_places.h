// Where the programs that policies name are probed: from a HookPoint to the file offsets that the kernel wants.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/compiled.h"

namespace trigon::daemon {

// Of a kUprobe: by symbol and offset, by virtual address or by file offset; checked to be code. Reads the file. Of
// several functions of one name (static ones of several sources) the first.
Result<uint64_t> uprobe_offset(const policy::HookPoint& point);

// Whether the file is one of those that `digests` ("sha256:hex", "build-id:hex") allow. kPermission when it is not.
Result<void> check_digests(const std::string& path, const std::vector<std::string>& digests);

}  // namespace trigon::daemon
