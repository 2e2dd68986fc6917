#include "symbols/symbol_table.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "elf_builder.h"
#include "loaded.h"
#include "symbols/go_pclntab.h"

extern "C" __attribute__((noinline, used)) int trigon_symbol_table_test_marker(int x) { return x * 3 + 1; }

namespace trigon::symbols {
namespace {

using test::ElfBuilder;

TEST(SymbolTable, OfThisProgram) {
  const void* place = reinterpret_cast<const void*>(&trigon_symbol_table_test_marker);
  const test::Loaded self = test::loaded_at(place);
  const auto file = ElfFile::open(self.path);
  ASSERT_TRUE(file.ok()) << file.error().message();
  const SymbolTable table = SymbolTable::of(*file);
  const uint64_t start = test::to_address(place) - self.bias;
  for (const uint64_t into : {uint64_t{0}, uint64_t{1}}) {
    const auto function = table.find(start + into);
    ASSERT_TRUE(function);
    EXPECT_EQ(function->name, "trigon_symbol_table_test_marker");
    EXPECT_EQ(function->start, start);
  }
}

// Stripped, as Debian ships it: the dynamic table.
TEST(SymbolTable, OfLibcAgreesWithTheDynamicLinker) {
  const test::Loaded libc = test::loaded_at(reinterpret_cast<const void*>(&::qsort));
  const auto file = ElfFile::open(libc.path);
  ASSERT_TRUE(file.ok()) << file.error().message();
  const SymbolTable table = SymbolTable::of(*file);
  EXPECT_GT(table.size(), 1000U);
  for (const char* name : {"qsort", "malloc", "fork", "getpid", "pthread_create", "getaddrinfo", "execve"}) {
    const void* place = ::dlsym(RTLD_DEFAULT, name);
    ASSERT_NE(place, nullptr) << name;
    // A sanitizer has its own malloc.
    if (test::loaded_at(place).path != libc.path) continue;
    const auto function = table.find(test::to_address(place) - libc.bias + 2);
    ASSERT_TRUE(function) << name;
    EXPECT_EQ(function->name, name);
  }
}

TEST(SymbolTable, SizesCount) {
  ElfBuilder builder;
  const uint64_t base = ElfBuilder::kCodeAddress;
  builder.symbols(SHT_SYMTAB, {{"sized", base + 0x10, 0x10},
                               {"assembly", base + 0x40, 0},
                               {"last", base + 0x80, 0x20},
                               {"inner", base + 0x88, 0x4},
                               {"variable", base + 0x90, 8, STB_GLOBAL, STT_OBJECT},
                               {".L1", base + 0x42, 0, STB_LOCAL, STT_NOTYPE}});
  const auto file = test::parse_elf(builder.bytes());
  ASSERT_TRUE(file.ok());
  const SymbolTable table = SymbolTable::of(*file);
  const auto name = [&](uint64_t address) {
    const auto function = table.find(address);
    return function ? function->name : "";
  };
  EXPECT_EQ(name(base), "");
  EXPECT_EQ(name(base + 0x10), "sized");
  EXPECT_EQ(name(base + 0x1f), "sized");
  EXPECT_EQ(name(base + 0x20), "");  // a hole
  EXPECT_EQ(name(base + 0x40), "assembly");
  EXPECT_EQ(name(base + 0x7f), "assembly");  // without a size: up to the next
  EXPECT_EQ(name(base + 0x8a), "inner");
  EXPECT_EQ(name(base + 0x94), "last");  // around the inner one
  EXPECT_EQ(name(base + 0xa0), "");
}

TEST(SymbolTable, OfSeveralNamesTheOneThatPeopleUse) {
  ElfBuilder builder;
  const uint64_t base = ElfBuilder::kCodeAddress;
  builder.symbols(SHT_SYMTAB, {{"__libc_fork", base, 8, STB_GLOBAL},
                               {"fork", base, 8, STB_WEAK},
                               {"__fork", base, 8, STB_GLOBAL},
                               {"local", base + 16, 8, STB_LOCAL},
                               {"global", base + 16, 8, STB_GLOBAL}});
  const auto file = test::parse_elf(builder.bytes());
  ASSERT_TRUE(file.ok());
  const SymbolTable table = SymbolTable::of(*file);
  EXPECT_EQ(table.find(base + 4)->name, "fork");
  EXPECT_EQ(table.find(base + 20)->name, "global");
}

void put(std::string* to, uint64_t value, size_t size) { to->append(reinterpret_cast<const char*>(&value), size); }

struct GoFunction {
  uint64_t address;
  const char* name;
};

// The table that a Go linker of that generation writes, from its description (go_pclntab.h).
std::string go_table(uint32_t magic, const std::vector<GoFunction>& functions, uint64_t end, uint64_t text) {
  const bool is_relative = magic == 0xfffffff0 || magic == 0xfffffff1;
  const size_t number = is_relative ? 4 : 8;
  std::string names, records;
  std::vector<uint64_t> name_at, record_at;
  for (const GoFunction& function : functions) {
    name_at.push_back(names.size());
    names += std::string(function.name) + '\0';
  }
  std::string table;
  put(&table, magic, 4);
  put(&table, 0, 2);
  put(&table, 1, 1);
  put(&table, 8, 1);
  put(&table, functions.size(), 8);
  size_t header = 8 + 8;
  if (is_relative) header = 8 + 8 * 8;
  if (magic == 0xfffffffa) header = 8 + 7 * 8;
  const size_t pairs = (2 * functions.size() + 1) * number;
  // Names behind the header, then pairs and records; Go 1.2 has the names last, and counts from the beginning.
  const bool is_old = magic == 0xfffffffb;
  const uint64_t names_offset = header, pairs_offset = is_old ? header : header + names.size();
  const uint64_t old_names = header + pairs + functions.size() * (number + 4);
  for (size_t i = 0; i < functions.size(); ++i) {
    record_at.push_back((is_old ? pairs_offset : 0) + pairs + records.size());
    put(&records, is_relative ? functions[i].address - text : functions[i].address, number);
    put(&records, name_at[i] + (is_old ? old_names : 0), 4);
  }
  if (is_relative) {
    put(&table, 0, 8);             // files
    put(&table, text, 8);          // text start
    put(&table, names_offset, 8);  // names
    for (int i = 0; i < 3; ++i) put(&table, 0, 8);
    put(&table, pairs_offset, 8);
  } else if (!is_old) {
    put(&table, 0, 8);
    put(&table, names_offset, 8);
    for (int i = 0; i < 3; ++i) put(&table, 0, 8);
    put(&table, pairs_offset, 8);
  }
  if (!is_old) table += names;
  for (size_t i = 0; i < functions.size(); ++i) {
    put(&table, is_relative ? functions[i].address - text : functions[i].address, number);
    put(&table, record_at[i], number);
  }
  put(&table, is_relative ? end - text : end, number);
  table += records;
  if (is_old) table += names;
  return table;
}

class GoTables : public ::testing::TestWithParam<uint32_t> {};

TEST_P(GoTables, NameFunctionsOfStrippedPrograms) {
  const uint64_t base = ElfBuilder::kCodeAddress;
  ElfBuilder builder;
  builder.section(".text", SHT_PROGBITS, "", base);
  builder.section(
      ".gopclntab", SHT_PROGBITS,
      go_table(GetParam(),
               {{base, "runtime.text"}, {base + 0x100, "main.main"}, {base + 0x180, "net/http.(*Client).Do"}},
               base + 0x200, base));
  const auto file = test::parse_elf(builder.bytes());
  ASSERT_TRUE(file.ok());
  const SymbolTable table = SymbolTable::of(*file);
  ASSERT_EQ(table.size(), 3U);
  EXPECT_EQ(table.find(base + 0x17f)->name, "main.main");
  EXPECT_EQ(table.find(base + 0x17f)->start, base + 0x100);
  EXPECT_EQ(table.find(base + 0x1ff)->name, "net/http.(*Client).Do");
  EXPECT_FALSE(table.find(base + 0x200));
  const auto functions = GoPclntab::of(*file);
  ASSERT_TRUE(functions);
  EXPECT_EQ(functions->find(*file, "main.main"), std::vector<uint64_t>{base + 0x100});
  EXPECT_TRUE(functions->find(*file, "main.mai").empty());
  EXPECT_TRUE(functions->find(*file, "main.main2").empty());
}

INSTANTIATE_TEST_SUITE_P(AllVersions, GoTables, ::testing::Values(0xfffffffb, 0xfffffffa, 0xfffffff0, 0xfffffff1));

}  // namespace
}  // namespace trigon::symbols
