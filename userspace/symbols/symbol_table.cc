#include "symbols/symbol_table.h"

#include <elf.h>

#include <algorithm>
#include <limits>

#include "symbols/elf_symbols.h"
#include "symbols/go_pclntab.h"

namespace trigon::symbols {
namespace {

// Functions that overlap are rare (split "cold" parts, entry points inside a larger one); so many are looked at.
constexpr size_t kOverlaps = 16;

uint32_t clip(uint64_t size) {
  return static_cast<uint32_t>(std::min<uint64_t>(size, std::numeric_limits<uint32_t>::max()));
}

size_t leading_underscores(const std::string& name) { return std::min(name.find_first_not_of('_'), name.size()); }

}  // namespace

SymbolTable SymbolTable::of(const ElfFile& file) {
  if (const Section* symbols = file.section_of_type(SHT_SYMTAB)) {
    SymbolTable table = of_section(file, *symbols);
    if (!table.empty()) return table;
  }
  SymbolTable table = of_go(file);
  if (!table.empty()) return table;
  if (const Section* symbols = file.section_of_type(SHT_DYNSYM)) return of_section(file, *symbols);
  return {};
}

SymbolTable SymbolTable::of_section(const ElfFile& file, const Section& symbols) {
  SymbolTable table;
  const Section* strings = names_of(file, symbols);
  if (strings == nullptr) return table;
  table.bytes_ = file.shared_bytes();
  table.names_ = strings->offset;
  table.names_size_ = strings->size;
  struct Ranked {
    Entry entry;
    int rank;
  };
  std::vector<Ranked> all;
  for_each_symbol(file, symbols, [&](const ElfSymbol& symbol) {
    // Code without a type counts when others may call it; local labels are noise.
    const bool is_function = symbol.type == STT_FUNC || symbol.type == STT_GNU_IFUNC ||
                             (symbol.type == STT_NOTYPE && symbol.binding != STB_LOCAL);
    if (!symbol.defined || !is_function || symbol.name >= strings->size || !file.is_code(symbol.address)) return true;
    all.push_back({{symbol.address, clip(symbol.size), symbol.name}, binding_rank(symbol.binding)});
    return all.size() < kMaxFunctions;
  });
  std::stable_sort(all.begin(), all.end(), [](const Ranked& a, const Ranked& b) {
    return a.entry.address != b.entry.address ? a.entry.address < b.entry.address : a.rank < b.rank;
  });
  table.entries_.reserve(all.size());
  for (const Ranked& ranked : all) table.entries_.push_back(ranked.entry);
  return table;
}

SymbolTable SymbolTable::of_go(const ElfFile& file) {
  SymbolTable table;
  const auto functions = GoPclntab::of(file);
  if (!functions) return table;
  table.bytes_ = file.shared_bytes();
  table.names_ = functions->names();
  table.names_size_ = functions->names_size();
  functions->for_each(file, [&](const GoPclntab::Function& function) {
    if (file.is_code(function.address))
      table.entries_.push_back({function.address, clip(function.end - function.address), function.name});
    return table.entries_.size() < kMaxFunctions;
  });
  table.entries_.shrink_to_fit();
  std::stable_sort(table.entries_.begin(), table.entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.address < b.address; });
  return table;
}

std::string SymbolTable::name_of(const Entry& entry) const {
  return bytes_->text(names_ + entry.name, std::min<uint64_t>(kMaxName, names_size_ - entry.name));
}

std::optional<FunctionAt> SymbolTable::find(uint64_t address) const {
  auto after = std::upper_bound(entries_.begin(), entries_.end(), address,
                                [](uint64_t wanted, const Entry& entry) { return wanted < entry.address; });
  for (size_t tried = 0; after != entries_.begin() && tried < kOverlaps; ++tried) {
    const Entry& candidate = *--after;
    const uint64_t into = address - candidate.address;
    if (candidate.size != 0 ? into >= candidate.size : tried != 0) continue;
    // All names of this place lie together, the best binding first.
    FunctionAt best;
    size_t best_underscores = std::numeric_limits<size_t>::max();
    auto first = after;
    while (first != entries_.begin() && std::prev(first)->address == candidate.address) --first;
    for (size_t seen = 0; first != entries_.end() && first->address == candidate.address && seen < kOverlaps;
         ++first, ++seen) {
      std::string name = name_of(*first);
      if (name.empty() || leading_underscores(name) >= best_underscores) continue;
      best_underscores = leading_underscores(name);
      best = {std::move(name), candidate.address};
    }
    if (!best.name.empty()) return best;
  }
  return std::nullopt;
}

}  // namespace trigon::symbols
