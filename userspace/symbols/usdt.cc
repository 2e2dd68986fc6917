#include "symbols/usdt.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "base/suggest.h"

namespace trigon::symbols {
namespace {

constexpr uint32_t kStapsdtType = 3;

// The next string of a description, without its NUL.
std::string_view take_string(std::string_view* text) {
  const size_t end = text->find('\0');
  const std::string_view taken = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return taken;
}

}  // namespace

std::vector<UsdtProbe> usdt_probes(const ElfFile& file) {
  std::vector<UsdtProbe> probes;
  const Section* notes = file.section(".note.stapsdt");
  if (notes == nullptr || notes->type != SHT_NOTE) return probes;
  const Section* base = file.section(".stapsdt.base");
  const size_t word = file.is_64() ? 8 : 4;
  file.for_each_note(notes->offset, notes->size, 4, [&](const ElfFile::Note& note) {
    if (note.type != kStapsdtType || note.name != "stapsdt" || note.description.size() < 3 * word) return true;
    uint64_t addresses[3] = {};
    for (size_t i = 0; i < 3; ++i) std::memcpy(&addresses[i], note.description.data() + i * word, word);
    const uint64_t moved = base != nullptr && base->address != 0 ? base->address - addresses[1] : 0;
    std::string_view strings = note.description.substr(3 * word);
    UsdtProbe probe;
    probe.provider = take_string(&strings);
    probe.name = take_string(&strings);
    probe.address = addresses[0] + moved;
    const auto offset = file.offset_of(probe.address);
    // A note may outlive code that the linker threw away.
    if (probe.provider.empty() || probe.name.empty() || !offset || !file.is_code(probe.address)) return true;
    probe.offset = *offset;
    if (addresses[2] != 0) {
      const auto semaphore = file.offset_of(addresses[2] + moved);
      if (!semaphore) return true;  // without it the probe would never fire
      probe.semaphore_offset = *semaphore;
    }
    probe.args = parse_usdt_args(take_string(&strings), file.machine(), probe.address, &file);
    probes.push_back(std::move(probe));
    return probes.size() < kMaxUsdtProbes;
  });
  return probes;
}

Result<std::vector<UsdtProbe>> find_usdt(const ElfFile& file, std::string_view provider, std::string_view name) {
  std::vector<UsdtProbe> all = usdt_probes(file);
  const std::string wanted = std::string(provider) + ":" + std::string(name);
  std::set<std::string> names;
  std::vector<UsdtProbe> found;
  for (UsdtProbe& probe : all) {
    names.insert(probe.provider + ":" + probe.name);
    if (probe.provider == provider && probe.name == name) found.push_back(std::move(probe));
  }
  if (!found.empty()) return found;
  if (names.empty())
    return Error(ErrorCode::kNotFound, file.name() +
                                           ": has no USDT probes (no usable .note.stapsdt section); was it "
                                           "built with them?");
  const std::vector<std::string_view> choices(names.begin(), names.end());
  return Error(ErrorCode::kNotFound, file.name() + ": has no USDT probe " + wanted + did_you_mean(wanted, choices) +
                                         " (it has " + std::to_string(names.size()) + " others)");
}

}  // namespace trigon::symbols
