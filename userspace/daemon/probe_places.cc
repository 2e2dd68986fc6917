#include "daemon/probe_places.h"

#include <utility>

#include "symbols/digest.h"
#include "symbols/elf_targets.h"

namespace trigon::daemon {

Result<uint64_t> uprobe_offset(const policy::HookPoint& point) {
  TRIGON_TRY(const symbols::ElfTargets targets, symbols::ElfTargets::open(point.path));
  auto target = !point.symbol.empty() ? targets.symbol(point.symbol, point.offset)
                : point.address != 0  ? targets.address(point.address)
                                      : targets.offset(point.offset);
  if (!target.ok()) return std::move(target).error();
  return target->offset;
}

Result<void> check_digests(const std::string& path, const std::vector<std::string>& digests) {
  std::vector<symbols::Digest> allowed;
  for (const std::string& text : digests) {
    TRIGON_TRY(symbols::Digest digest, symbols::Digest::parse(text));
    allowed.push_back(std::move(digest));
  }
  TRIGON_TRY(const symbols::ElfFile file, symbols::ElfFile::open(path));
  if (auto checked = symbols::check_digests(file, allowed); !checked.ok())
    return std::move(checked).error().with_code(ErrorCode::kPermission);
  return {};
}

}  // namespace trigon::daemon
