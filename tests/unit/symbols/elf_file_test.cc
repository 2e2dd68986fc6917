#include "symbols/elf_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <link.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include "elf_builder.h"
#include "loaded.h"
#include "symbols/elf_symbols.h"
#include "symbols/go_pclntab.h"
#include "symbols/symbol_table.h"
#include "symbols/usdt.h"

namespace trigon::symbols {
namespace {

using test::ElfBuilder;
using ::testing::HasSubstr;

const void* const kLibc = reinterpret_cast<const void*>(&::qsort);

TEST(ElfFile, RefusesWhatIsNone) {
  EXPECT_THAT(ElfFile::open("/etc/passwd").error().message(), HasSubstr("not an ELF file"));
  EXPECT_EQ(ElfFile::open("/no/such/file").error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(ElfFile::open("/dev/null").error().message(), HasSubstr("not a regular file"));
  EXPECT_FALSE(test::parse_elf("").ok());
  EXPECT_FALSE(test::parse_elf(std::string("\177ELF\2\1\1", 7)).ok());
}

TEST(ElfFile, AddressesAndOffsets) {
  const auto file = test::parse_elf(ElfBuilder().bytes());
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->offset_of(ElfBuilder::kCodeAddress + 0x10), ElfBuilder::kCode + 0x10);
  EXPECT_EQ(file->offset_of(ElfBuilder::kCodeAddress - 1), std::nullopt);
  EXPECT_EQ(file->offset_of(ElfBuilder::kCodeAddress + ElfBuilder::kCodeSize), std::nullopt);
  EXPECT_EQ(file->address_of(ElfBuilder::kData + 8), ElfBuilder::kDataAddress + 8);
  EXPECT_EQ(file->address_of(0), std::nullopt);
  EXPECT_TRUE(file->is_code(ElfBuilder::kCodeAddress));
  EXPECT_FALSE(file->is_code(ElfBuilder::kDataAddress));
}

// The dynamic linker's view of libc's notes, from memory.
std::string loaded_build_id(uint64_t bias) {
  struct Search {
    uint64_t bias;
    std::string id;
  } search{bias, {}};
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        auto* wanted = static_cast<Search*>(data);
        if (info->dlpi_addr != wanted->bias) return 0;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          if (info->dlpi_phdr[i].p_type != PT_NOTE) continue;
          const char* at = reinterpret_cast<const char*>(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
          const char* end = at + info->dlpi_phdr[i].p_memsz;
          const uint64_t align = info->dlpi_phdr[i].p_align == 8 ? 8 : 4;
          while (at < end) {
            const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
            const char* description = at + sizeof(*note) + (note->n_namesz + align - 1) / align * align;
            if (note->n_type == NT_GNU_BUILD_ID)
              for (uint32_t b = 0; b < note->n_descsz; ++b) {
                char digits[3];
                std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned char>(description[b]));
                wanted->id += digits;
              }
            at = description + (note->n_descsz + align - 1) / align * align;
          }
        }
        return 1;
      },
      &search);
  return search.id;
}

TEST(ElfFile, BuildIdOfLibc) {
  const test::Loaded libc = test::loaded_at(kLibc);
  const auto file = ElfFile::open(libc.path);
  ASSERT_TRUE(file.ok()) << file.error().message();
  const std::string expected = loaded_build_id(libc.bias);
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(file->build_id(), expected);
}

// Everything that reads a file, on bytes that lie: no crash, no read outside (asan), no endless loop.
void read_everything(const std::string& bytes) {
  const auto file = test::parse_elf(bytes);
  if (!file.ok()) return;
  file->build_id();
  const SymbolTable table = SymbolTable::of(*file);
  EXPECT_LE(table.size(), SymbolTable::kMaxFunctions);
  for (const Segment& segment : file->segments()) table.find(segment.address + 1);
  find_functions(*file, "main");
  usdt_probes(*file);
}

TEST(ElfFile, SurvivesLies) {
  ElfBuilder builder;
  builder.section(".note.stapsdt", SHT_NOTE, std::string(64, '\1'));
  builder.section(".gopclntab", SHT_PROGBITS, std::string("\xf1\xff\xff\xff\0\0\1\x08", 8) + std::string(120, '\2'));
  builder.symbols(SHT_SYMTAB, {{"main", ElfBuilder::kCodeAddress, 16}, {"f", ElfBuilder::kCodeAddress + 16, 0}});
  const std::string good = builder.bytes();
  for (size_t size = 0; size < good.size(); size += 7) read_everything(good.substr(0, size));
  std::mt19937 random(1);
  // Headers at the beginning and the end, where it matters.
  for (int i = 0; i < 20000; ++i) {
    std::string bad = good;
    for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
      const size_t at = random() % 2 == 0 ? random() % 176 : bad.size() - 1 - random() % 1200;
      bad[at] = static_cast<char>(random() % 3 == 0 ? 0xff : random());
    }
    read_everything(bad);
  }
}

TEST(ElfFile, CountsBeyondTheLimitsTakeNoMemory) {
  std::string bytes = ElfBuilder().bytes();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.e_phnum = 0xffff;
  std::memcpy(bytes.data(), &header, sizeof(header));
  EXPECT_THAT(test::parse_elf(bytes).error().message(), HasSubstr("65535 program headers"));
}

}  // namespace
}  // namespace trigon::symbols
