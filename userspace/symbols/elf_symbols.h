// The symbols of an ELF file, one after the other, and those of one name.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "symbols/elf_file.h"

namespace trigon::symbols {

struct ElfSymbol {
  uint64_t address = 0;
  uint64_t size = 0;
  uint32_t name = 0;     // offset in the string table
  uint32_t index = 0;    // in its table
  uint8_t type = 0;      // STT_* of elf.h
  uint8_t binding = 0;   // STB_*
  bool defined = false;  // in a section of this file
};

// Each entry of a table (SHT_SYMTAB, SHT_DYNSYM) while `each` says true. Reads 64 KiB at a time, at most kMaxSymbols.
constexpr uint64_t kMaxSymbols = uint64_t{1} << 23;
void for_each_symbol(const ElfFile& file, const Section& table, const std::function<bool(const ElfSymbol&)>& each);

// The string table of a symbol table, or nullptr.
const Section* names_of(const ElfFile& file, const Section& table);

// The binding that a reader would mean, best first: global, weak, local.
int binding_rank(uint8_t binding);

// All places where a function of this name begins, those that a linker would choose first, without repetition: global
// before weak before local, of several versions ("pthread_cond_wait@GLIBC_2.2.5", "…@@GLIBC_2.3.2") the default one.
// Only the best kind is returned. From .symtab and .dynsym.
std::vector<ElfSymbol> find_functions(const ElfFile& file, std::string_view name);
// The object (variable) of that name, for operands that name one.
std::vector<ElfSymbol> find_objects(const ElfFile& file, std::string_view name);

}  // namespace trigon::symbols
