// ElfBuilder: small ELF files for tests, with the sections and symbols that a test names.
#pragma once

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "symbols/elf_file.h"

namespace trigon::test {

// One executable segment, file offset kCode at address kCodeAddress, and one for data; sections are added behind.
class ElfBuilder {
 public:
  static constexpr uint64_t kCode = 0x1000;
  static constexpr uint64_t kCodeAddress = 0x401000;
  static constexpr uint64_t kCodeSize = 0x1000;
  static constexpr uint64_t kData = 0x2000;
  static constexpr uint64_t kDataAddress = 0x602000;
  static constexpr uint64_t kDataSize = 0x100;

  explicit ElfBuilder(uint16_t machine = EM_X86_64) : machine_(machine) { image_.resize(kData + kDataSize, '\0'); }

  // The number of the section.
  uint32_t section(const std::string& name, uint32_t type, std::string_view bytes, uint64_t address = 0,
                   uint32_t link = 0, uint64_t entry_size = 0) {
    image_.resize((image_.size() + 15) & ~size_t{15}, '\0');
    sections_.push_back({name, type, image_.size(), bytes.size(), address, link, entry_size});
    image_.append(bytes);
    return static_cast<uint32_t>(sections_.size());  // 0 is the empty one
  }

  struct Symbol {
    std::string name;
    uint64_t address = 0;
    uint64_t size = 0;
    uint8_t binding = STB_GLOBAL;
    uint8_t type = STT_FUNC;
  };
  void symbols(uint32_t type, const std::vector<Symbol>& symbols) {
    std::string names(1, '\0');
    std::vector<Elf64_Sym> table(1);
    for (const Symbol& symbol : symbols) {
      Elf64_Sym entry{};
      entry.st_name = static_cast<uint32_t>(names.size());
      entry.st_info = static_cast<unsigned char>(ELF64_ST_INFO(symbol.binding, symbol.type));
      entry.st_shndx = 1;
      entry.st_value = symbol.address;
      entry.st_size = symbol.size;
      table.push_back(entry);
      names += symbol.name + '\0';
    }
    const bool dynamic = type == SHT_DYNSYM;
    const uint32_t strings = section(dynamic ? ".dynstr" : ".strtab", SHT_STRTAB, names);
    section(dynamic ? ".dynsym" : ".symtab", type,
            {reinterpret_cast<const char*>(table.data()), table.size() * sizeof(Elf64_Sym)}, 0, strings,
            sizeof(Elf64_Sym));
  }

  std::string bytes() const {
    std::string image = image_;
    std::string names(1, '\0');
    std::vector<Elf64_Shdr> headers(1);
    for (const Added& added : sections_) {
      Elf64_Shdr header{};
      header.sh_name = static_cast<uint32_t>(names.size());
      header.sh_type = added.type;
      header.sh_offset = added.offset;
      header.sh_size = added.size;
      header.sh_addr = added.address;
      header.sh_link = added.link;
      header.sh_entsize = added.entry_size;
      headers.push_back(header);
      names += added.name + '\0';
    }
    Elf64_Shdr strings{};
    strings.sh_name = static_cast<uint32_t>(names.size());
    names += std::string(".shstrtab") + '\0';
    strings.sh_type = SHT_STRTAB;
    strings.sh_offset = image.size();
    strings.sh_size = names.size();
    headers.push_back(strings);
    image += names;
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = machine_;
    header.e_phoff = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    header.e_shoff = image.size();
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<uint16_t>(headers.size());
    header.e_shstrndx = static_cast<uint16_t>(headers.size() - 1);
    Elf64_Phdr programs[2] = {};
    programs[0] = {PT_LOAD, PF_R | PF_X, kCode, kCodeAddress, kCodeAddress, kCodeSize, kCodeSize, 0x1000};
    programs[1] = {PT_LOAD, PF_R | PF_W, kData, kDataAddress, kDataAddress, kDataSize, kDataSize, 0x1000};
    std::memcpy(image.data(), &header, sizeof(header));
    std::memcpy(image.data() + sizeof(header), programs, sizeof(programs));
    image.append(reinterpret_cast<const char*>(headers.data()), headers.size() * sizeof(Elf64_Shdr));
    return image;
  }

 private:
  struct Added {
    std::string name;
    uint32_t type;
    uint64_t offset, size, address;
    uint32_t link;
    uint64_t entry_size;
  };
  uint16_t machine_;
  std::string image_;
  std::vector<Added> sections_;
};

// Owns its bytes.
class StringBytes : public symbols::ByteSource {
 public:
  explicit StringBytes(std::string bytes) : bytes_(std::move(bytes)) {}
  uint64_t size() const override { return bytes_.size(); }
  size_t read_some(uint64_t offset, void* to, size_t n) const override {
    return symbols::MemoryBytes({reinterpret_cast<const uint8_t*>(bytes_.data()), bytes_.size()})
        .read_some(offset, to, n);
  }

 private:
  std::string bytes_;
};

inline Result<symbols::ElfFile> parse_elf(std::string bytes) {
  return symbols::ElfFile::parse(std::make_shared<StringBytes>(std::move(bytes)), "made-up");
}

}  // namespace trigon::test
