// SymbolTable: which function of an ELF file an address is in. Kept small: sixteen bytes per function, names stay in
// the file and are read when they are asked for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "symbols/byte_source.h"
#include "symbols/elf_file.h"

namespace trigon::symbols {

struct FunctionAt {
  std::string name;
  uint64_t start = 0;  // address in the file's own terms (Segment)
};

// Immutable; any thread. Keeps the file open.
class SymbolTable {
 public:
  // 8 MiB. Of a file with more functions the first ones are known (the largest browsers have 300,000).
  static constexpr size_t kMaxFunctions = size_t{1} << 19;
  // Longer names are cut: mangled template names reach several KiB and nobody reads them.
  static constexpr size_t kMaxName = 512;

  SymbolTable() = default;
  // From .symtab, when it is stripped from .gopclntab (Go), when there is none from .dynsym. Empty when the file has no
  // usable table: that is no error.
  static SymbolTable of(const ElfFile& file);

  // The function that contains the address, as its size says; one without a size reaches to the next. Of several names
  // for the same place the global one with the fewest leading underscores ("fork", not "__libc_fork").
  std::optional<FunctionAt> find(uint64_t address) const;
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  // Memory in use.
  size_t bytes() const { return entries_.capacity() * sizeof(Entry); }

 private:
  struct Entry {
    uint64_t address;
    uint32_t size;  // 0: not known
    uint32_t name;  // offset from names_
  };
  static SymbolTable of_section(const ElfFile& file, const Section& symbols);
  static SymbolTable of_go(const ElfFile& file);
  std::string name_of(const Entry& entry) const;

  std::shared_ptr<const ByteSource> bytes_;
  uint64_t names_ = 0;  // offset of the string table in the file
  uint64_t names_size_ = 0;
  std::vector<Entry> entries_;  // by address; of equal ones global names first
};

}  // namespace trigon::symbols
