#include "symbols/elf_targets.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <set>

#include "base/suggest.h"
#include "symbols/elf_symbols.h"
#include "symbols/go_pclntab.h"

namespace trigon::symbols {
namespace {

// Names that are compared for "did you mean": enough for most programs, and no pause for a browser.
constexpr size_t kMaxSuggestions = 20000;
constexpr size_t kMaxSuggestedName = 64;

std::optional<uint64_t> parse_offset(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<ElfTargets> ElfTargets::open(const std::string& path) {
  TRIGON_TRY(FileBytes bytes, FileBytes::open(path));
  const int fd = bytes.fd();
  TRIGON_TRY(ElfFile file, ElfFile::parse(std::make_shared<FileBytes>(std::move(bytes)), path));
  if (file.type() != ET_EXEC && file.type() != ET_DYN)
    return Error(path + ": neither a program nor a shared library, so no process runs it");
  return ElfTargets(std::move(file), fmt::format("/proc/self/fd/{}", fd));
}

Result<UprobeTarget> ElfTargets::symbol(std::string_view text) const {
  const size_t plus = text.rfind('+');
  // C++ has "operator+", unmangled names may end in anything: an offset is what parses as one.
  if (plus != std::string_view::npos && plus != 0)
    if (const auto offset = parse_offset(text.substr(plus + 1)))
      return symbol(std::string(text.substr(0, plus)), *offset);
  return symbol(std::string(text), 0);
}

Result<UprobeTarget> ElfTargets::symbol(const std::string& name, uint64_t extra) const {
  struct Start {
    uint64_t address, size;
  };
  std::vector<Start> starts;
  for (const ElfSymbol& symbol : find_functions(file_, name)) starts.push_back({symbol.address, symbol.size});
  if (starts.empty())
    if (const auto go = GoPclntab::of(file_))
      for (const uint64_t address : go->find(file_, name)) starts.push_back({address, 0});
  if (starts.empty()) return no_such_symbol(name);
  UprobeTarget target;
  std::vector<uint64_t> offsets;
  for (const Start& start : starts) {
    if (start.size != 0 && extra >= start.size) {
      if (starts.size() > 1) continue;
      return Error(fmt::format("{}: {}+{:#x} is beyond the end of {}, which has {:#x} bytes", file_.name(), name, extra,
                               name, start.size));
    }
    const auto offset = file_.offset_of(start.address + extra);
    if (offset && file_.is_code(start.address + extra)) offsets.push_back(*offset);
  }
  if (offsets.empty()) return Error(fmt::format("{}: {}+{:#x} is not in the file's code", file_.name(), name, extra));
  target.offset = offsets.front();
  target.others.assign(offsets.begin() + 1, offsets.end());
  return target;
}

Result<UprobeTarget> ElfTargets::address(uint64_t address) const {
  const auto offset = file_.offset_of(address);
  if (!offset)
    return Error(ErrorCode::kNotFound,
                 fmt::format("{}: address {:#x} is in none of its loadable segments (addresses are "
                             "those that `nm` prints, not those of a running process)",
                             file_.name(), address));
  if (!file_.is_code(address))
    return Error(fmt::format("{}: address {:#x} is data, a probe needs code", file_.name(), address));
  return UprobeTarget{*offset, {}};
}

Result<UprobeTarget> ElfTargets::offset(uint64_t offset) const {
  const auto address = file_.address_of(offset);
  if (!address || offset >= file_.bytes().size())
    return Error(ErrorCode::kNotFound,
                 fmt::format("{}: file offset {:#x} is in none of its loadable segments", file_.name(), offset));
  if (!file_.is_code(*address))
    return Error(fmt::format("{}: file offset {:#x} is data, a probe needs code", file_.name(), offset));
  return UprobeTarget{offset, {}};
}

Error ElfTargets::no_such_symbol(const std::string& name) const {
  std::set<std::string> names;
  bool any_table = false;
  for (const uint32_t type : {SHT_SYMTAB, SHT_DYNSYM}) {
    const Section* table = file_.section_of_type(type);
    const Section* strings = table != nullptr ? names_of(file_, *table) : nullptr;
    if (strings == nullptr) continue;
    for_each_symbol(file_, *table, [&](const ElfSymbol& symbol) {
      if (symbol.type != STT_FUNC || !symbol.defined || symbol.name >= strings->size) return true;
      any_table = true;
      names.insert(file_.bytes().text(strings->offset + symbol.name,
                                      std::min<uint64_t>(kMaxSuggestedName, strings->size - symbol.name)));
      return names.size() < kMaxSuggestions;
    });
  }
  if (!any_table && !GoPclntab::of(file_))
    return Error(ErrorCode::kNotFound, file_.name() + ": has no symbol " + name +
                                           ", nor any other (it is stripped): use `offsets` or `addrs`");
  const std::vector<std::string_view> choices(names.begin(), names.end());
  return Error(ErrorCode::kNotFound, file_.name() + ": has no function " + name + did_you_mean(name, choices));
}

}  // namespace trigon::symbols
