#include "symbols/elf_symbols.h"

#include <elf.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string>

namespace trigon::symbols {
namespace {

constexpr size_t kSymbolsAtOnce = 2048;
constexpr size_t kWindow = size_t{1} << 20;
constexpr uint16_t kHiddenVersion = 0x8000;  // VERSYM_HIDDEN: not the default version

template <typename Sym>
void for_each(const ElfFile& file, const Section& table, const std::function<bool(const ElfSymbol&)>& each) {
  if (table.entry_size != sizeof(Sym)) return;
  const uint64_t count = std::min(table.size / sizeof(Sym), kMaxSymbols);
  std::vector<Sym> chunk(std::min<uint64_t>(count, kSymbolsAtOnce));
  for (uint64_t done = 0; done < count;) {
    const size_t want = std::min<uint64_t>(chunk.size(), count - done);
    const size_t got =
        file.bytes().read_some(table.offset + done * sizeof(Sym), chunk.data(), want * sizeof(Sym)) / sizeof(Sym);
    for (size_t i = 0; i < got; ++i) {
      const Sym& raw = chunk[i];
      ElfSymbol symbol;
      symbol.address = raw.st_value;
      symbol.size = raw.st_size;
      symbol.name = raw.st_name;
      symbol.index = static_cast<uint32_t>(done + i);
      symbol.type = raw.st_info & 0xf;
      symbol.binding = raw.st_info >> 4;
      // Absolute "functions" are constants of linker scripts.
      symbol.defined = raw.st_shndx != SHN_UNDEF && raw.st_shndx != SHN_ABS;
      if (!each(symbol)) return;
    }
    if (got < want) return;
    done += got;
  }
}

// Where in the string table a string equal to `name` begins; tables share tails, so that may be inside another one.
std::set<uint32_t> find_string(const ElfFile& file, const Section& strings, std::string_view name) {
  std::set<uint32_t> found;
  const std::string wanted = std::string(name) + '\0';
  std::string window(std::min<uint64_t>(kWindow, strings.size) + wanted.size(), '\0');
  for (uint64_t at = 0; at < strings.size; at += kWindow) {
    const size_t want = std::min<uint64_t>(window.size(), strings.size - at);
    const std::string_view text(window.data(), file.bytes().read_some(strings.offset + at, window.data(), want));
    for (size_t hit = text.find(wanted); hit != std::string_view::npos; hit = text.find(wanted, hit + 1))
      if (hit < kWindow && at + hit <= std::numeric_limits<uint32_t>::max())
        found.insert(static_cast<uint32_t>(at + hit));
  }
  return found;
}

// .gnu.version belongs to .dynsym, entry by entry.
bool is_default_version(const ElfFile& file, const Section& table, uint32_t index) {
  if (table.type != SHT_DYNSYM) return true;
  const Section* versions = file.section_of_type(SHT_GNU_versym);
  uint16_t version = 0;
  if (versions == nullptr || uint64_t{index} * 2 + 2 > versions->size) return true;
  if (!file.bytes().read(versions->offset + uint64_t{index} * 2, &version, sizeof(version))) return true;
  return (version & kHiddenVersion) == 0;
}

std::vector<ElfSymbol> find_named(const ElfFile& file, std::string_view name,
                                  const std::function<bool(const ElfSymbol&)>& wanted) {
  std::vector<ElfSymbol> best;
  int best_rank = std::numeric_limits<int>::max();
  // .dynsym first: it alone knows versions. What it exports, .symtab has too, with the version in the name.
  for (const uint32_t type : {SHT_DYNSYM, SHT_SYMTAB}) {
    const Section* table = file.section_of_type(type);
    const Section* strings = table != nullptr ? names_of(file, *table) : nullptr;
    if (strings == nullptr) continue;
    const std::set<uint32_t> names = find_string(file, *strings, name);
    if (names.empty()) continue;
    for_each_symbol(file, *table, [&](const ElfSymbol& symbol) {
      if (!names.contains(symbol.name) || !symbol.defined || !wanted(symbol)) return true;
      const int rank = 2 * binding_rank(symbol.binding) + (is_default_version(file, *table, symbol.index) ? 0 : 1);
      if (rank > best_rank) return true;
      if (rank < best_rank) best.clear();
      best_rank = rank;
      const auto same = [&](const ElfSymbol& other) { return other.address == symbol.address; };
      if (std::none_of(best.begin(), best.end(), same)) best.push_back(symbol);
      return true;
    });
  }
  return best;
}

}  // namespace

void for_each_symbol(const ElfFile& file, const Section& table, const std::function<bool(const ElfSymbol&)>& each) {
  if (file.is_64())
    for_each<Elf64_Sym>(file, table, each);
  else
    for_each<Elf32_Sym>(file, table, each);
}

const Section* names_of(const ElfFile& file, const Section& table) {
  if (table.link >= file.sections().size()) return nullptr;
  const Section& strings = file.sections()[table.link];
  return strings.type == SHT_STRTAB ? &strings : nullptr;
}

int binding_rank(uint8_t binding) {
  if (binding == STB_GLOBAL || binding == STB_GNU_UNIQUE) return 0;
  return binding == STB_WEAK ? 1 : 2;
}

std::vector<ElfSymbol> find_functions(const ElfFile& file, std::string_view name) {
  return find_named(file, name, [&](const ElfSymbol& symbol) {
    // Assembly that does not say what it is (_start of some C libraries) is a function when it is code.
    const bool is_function = symbol.type == STT_FUNC || symbol.type == STT_GNU_IFUNC || symbol.type == STT_NOTYPE;
    return is_function && file.is_code(symbol.address);
  });
}

std::vector<ElfSymbol> find_objects(const ElfFile& file, std::string_view name) {
  return find_named(file, name, [](const ElfSymbol& symbol) {
    return symbol.type == STT_OBJECT || symbol.type == STT_NOTYPE || symbol.type == STT_COMMON;
  });
}

}  // namespace trigon::symbols
