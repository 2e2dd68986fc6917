// ElfFile: headers of an ELF file, checked, and the ways between its addresses and its bytes.
//
// Nothing in the file is trusted: counts and sizes are limited before memory is taken, offsets are compared with the
// file, and what does not fit is left out rather than believed. 32- and 64-bit files of this machine's byte order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "symbols/byte_source.h"

namespace trigon::symbols {

// PT_LOAD: what the loader maps. Addresses are those of the file, before the loader moves it.
struct Segment {
  uint64_t offset = 0;
  uint64_t file_size = 0;
  uint64_t address = 0;
  uint64_t memory_size = 0;
  bool executable = false;
  bool writable = false;
};

// The address of a byte of the file; code first: the last page of one segment and the first of the next are often the
// same bytes.
std::optional<uint64_t> address_of(const std::vector<Segment>& segments, uint64_t offset);

struct Section {
  std::string name;  // cut at 64 bytes
  uint32_t type = 0;
  uint32_t link = 0;
  uint64_t address = 0;
  uint64_t offset = 0;
  uint64_t size = 0;  // ends within the file, SHT_NOBITS excepted
  uint64_t entry_size = 0;
};

// Immutable after parse(); any thread.
class ElfFile {
 public:
  // Program headers and sections beyond these are refused: linkers write a dozen of the first and some forty of the
  // second; files built with a section per function are not executables.
  static constexpr size_t kMaxSegments = 256;
  static constexpr size_t kMaxSections = 4096;

  static Result<ElfFile> open(const std::string& path);
  // `name` is for messages.
  static Result<ElfFile> parse(std::shared_ptr<const ByteSource> bytes, std::string name);

  const ByteSource& bytes() const { return *bytes_; }
  const std::shared_ptr<const ByteSource>& shared_bytes() const { return bytes_; }
  const std::string& name() const { return name_; }
  bool is_64() const { return is_64_; }
  uint16_t machine() const { return machine_; }  // EM_* of elf.h
  uint16_t type() const { return type_; }        // ET_* of elf.h
  const std::vector<Segment>& segments() const { return segments_; }
  const std::vector<Section>& sections() const { return sections_; }
  // The first of that name, or nullptr.
  const Section* section(std::string_view name) const;
  const Section* section_of_type(uint32_t type) const;

  // Of a byte that is both in the file and mapped.
  std::optional<uint64_t> offset_of(uint64_t address) const;
  std::optional<uint64_t> address_of(uint64_t offset) const { return symbols::address_of(segments_, offset); }
  bool is_code(uint64_t address) const;

  // NT_GNU_BUILD_ID in lower-case hex; empty: none.
  std::string build_id() const;

  struct Note {
    uint32_t type = 0;
    std::string_view name;         // without the NUL
    std::string_view description;  // bytes
  };
  // Each note in `size` bytes at `offset`, while the callback says true. At most 1 MiB is looked at.
  void for_each_note(uint64_t offset, uint64_t size, uint64_t align,
                     const std::function<bool(const Note&)>& each) const;

 private:
  ElfFile() = default;
  template <typename Types>
  Result<void> read_headers();
  template <typename Types>
  Result<void> read_sections(uint64_t offset, uint64_t count, uint64_t names);

  std::shared_ptr<const ByteSource> bytes_;
  std::string name_;
  bool is_64_ = true;
  uint16_t machine_ = 0;
  uint16_t type_ = 0;
  std::vector<Segment> segments_;
  struct NoteRange {
    uint64_t offset, size, align;
  };
  std::vector<NoteRange> notes_;  // PT_NOTE
  std::vector<Section> sections_;
};

}  // namespace trigon::symbols
