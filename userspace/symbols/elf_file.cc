#include "symbols/elf_file.h"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace trigon::symbols {
namespace {

constexpr uint64_t kMaxNoteBytes = uint64_t{1} << 20;
constexpr size_t kMaxSectionName = 64;
// SHA-512's; linkers write 20 bytes (sha1), 16 (md5) or 8 (xxhash).
constexpr size_t kMaxBuildId = 64;

struct Types32 {
  using Header = Elf32_Ehdr;
  using Program = Elf32_Phdr;
  using Section = Elf32_Shdr;
};
struct Types64 {
  using Header = Elf64_Ehdr;
  using Program = Elf64_Phdr;
  using Section = Elf64_Shdr;
};

// [offset, offset + size) lies in a file of `total` bytes.
bool fits(uint64_t offset, uint64_t size, uint64_t total) { return size <= total && offset <= total - size; }

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
    out += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

}  // namespace

std::optional<uint64_t> address_of(const std::vector<Segment>& segments, uint64_t offset) {
  for (const bool executable : {true, false})
    for (const Segment& segment : segments)
      if (segment.executable == executable && offset >= segment.offset && offset - segment.offset < segment.file_size)
        return segment.address + (offset - segment.offset);
  return std::nullopt;
}

Result<ElfFile> ElfFile::open(const std::string& path) {
  TRIGON_TRY(FileBytes file, FileBytes::open(path));
  return parse(std::make_shared<FileBytes>(std::move(file)), path);
}

Result<ElfFile> ElfFile::parse(std::shared_ptr<const ByteSource> bytes, std::string name) {
  ElfFile file;
  file.bytes_ = std::move(bytes);
  file.name_ = std::move(name);
  unsigned char ident[EI_NIDENT];
  if (!file.bytes_->read(0, ident, sizeof(ident)) || std::memcmp(ident, ELFMAG, SELFMAG) != 0)
    return Error(file.name_ + ": not an ELF file");
  constexpr unsigned char kOurOrder = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  if (ident[EI_DATA] != kOurOrder) return Error(file.name_ + ": an ELF file of the other byte order");
  if (ident[EI_CLASS] != ELFCLASS64 && ident[EI_CLASS] != ELFCLASS32)
    return Error(file.name_ + ": an ELF file that is neither 32 nor 64 bits");
  file.is_64_ = ident[EI_CLASS] == ELFCLASS64;
  TRIGON_CHECK(file.is_64_ ? file.read_headers<Types64>() : file.read_headers<Types32>());
  return file;
}

template <typename Types>
Result<void> ElfFile::read_headers() {
  typename Types::Header header;
  if (!bytes_->read(0, &header, sizeof(header))) return Error(name_ + ": the ELF header is cut short");
  machine_ = header.e_machine;
  type_ = header.e_type;
  if (header.e_phnum > kMaxSegments)
    return Error(name_ + ": " + std::to_string(header.e_phnum) + " program headers, at most " +
                 std::to_string(kMaxSegments) + " are read");
  if (header.e_phnum != 0) {
    if (header.e_phentsize != sizeof(typename Types::Program))
      return Error(name_ + ": program headers of an unknown size");
    std::vector<typename Types::Program> programs(header.e_phnum);
    if (!bytes_->read(header.e_phoff, programs.data(), programs.size() * sizeof(programs[0])))
      return Error(name_ + ": the program headers are cut short");
    for (const auto& program : programs) {
      if (program.p_type == PT_LOAD)
        segments_.push_back({program.p_offset, program.p_filesz, program.p_vaddr, program.p_memsz,
                             (program.p_flags & PF_X) != 0, (program.p_flags & PF_W) != 0});
      if (program.p_type == PT_NOTE) notes_.push_back({program.p_offset, program.p_filesz, program.p_align});
    }
  }
  // Sections help, but the kernel runs files without them: what is wrong with them leaves them out.
  if (header.e_shnum != 0 && header.e_shnum <= kMaxSections && header.e_shentsize == sizeof(typename Types::Section))
    return read_sections<Types>(header.e_shoff, header.e_shnum, header.e_shstrndx);
  return {};
}

template <typename Types>
Result<void> ElfFile::read_sections(uint64_t offset, uint64_t count, uint64_t names) {
  std::vector<typename Types::Section> headers(count);
  if (!bytes_->read(offset, headers.data(), count * sizeof(headers[0]))) return {};
  const auto* strings = names < count ? &headers[names] : nullptr;
  for (const auto& header : headers) {
    Section section;
    section.type = header.sh_type;
    section.link = header.sh_link;
    section.address = header.sh_addr;
    section.offset = header.sh_offset;
    section.size = header.sh_size;
    section.entry_size = header.sh_entsize;
    if (header.sh_type != SHT_NOBITS && !fits(header.sh_offset, header.sh_size, bytes_->size())) {
      section.type = SHT_NULL;
      section.size = 0;
    }
    if (strings != nullptr && header.sh_name < strings->sh_size)
      section.name = bytes_->text(strings->sh_offset + uint64_t{header.sh_name},
                                  std::min<uint64_t>(kMaxSectionName, strings->sh_size - header.sh_name));
    sections_.push_back(std::move(section));  // all of them: sh_link counts
  }
  return {};
}

const Section* ElfFile::section(std::string_view name) const {
  for (const Section& section : sections_)
    if (section.name == name && section.type != SHT_NULL) return &section;
  return nullptr;
}

const Section* ElfFile::section_of_type(uint32_t type) const {
  for (const Section& section : sections_)
    if (section.type == type) return &section;
  return nullptr;
}

std::optional<uint64_t> ElfFile::offset_of(uint64_t address) const {
  for (const Segment& segment : segments_)
    if (address >= segment.address && address - segment.address < segment.file_size)
      return segment.offset + (address - segment.address);
  return std::nullopt;
}

bool ElfFile::is_code(uint64_t address) const {
  return std::any_of(segments_.begin(), segments_.end(), [&](const Segment& segment) {
    return segment.executable && address >= segment.address && address - segment.address < segment.file_size;
  });
}

void ElfFile::for_each_note(uint64_t offset, uint64_t size, uint64_t align,
                            const std::function<bool(const Note&)>& each) const {
  std::string data(std::min({size, kMaxNoteBytes, bytes_->size()}), '\0');
  data.resize(bytes_->read_some(offset, data.data(), data.size()));
  // Notes are aligned to 4 bytes, GNU property notes of 64-bit files to 8.
  const uint64_t mask = align == 8 ? 7 : 3;
  uint64_t at = 0;
  while (fits(at, sizeof(Elf64_Nhdr), data.size())) {
    Elf64_Nhdr header;
    std::memcpy(&header, data.data() + at, sizeof(header));
    const uint64_t name_at = at + sizeof(header);
    const uint64_t description_at = (name_at + header.n_namesz + mask) & ~mask;
    if (!fits(name_at, header.n_namesz, data.size()) || !fits(description_at, header.n_descsz, data.size())) return;
    const std::string_view view(data);
    std::string_view note_name = view.substr(name_at, header.n_namesz);
    while (!note_name.empty() && note_name.back() == '\0') note_name.remove_suffix(1);
    if (!each({header.n_type, note_name, view.substr(description_at, header.n_descsz)})) return;
    at = (description_at + header.n_descsz + mask) & ~mask;
  }
}

std::string ElfFile::build_id() const {
  std::string id;
  const auto find = [&](const Note& note) {
    if (note.type == NT_GNU_BUILD_ID && note.name == "GNU" && note.description.size() <= kMaxBuildId)
      id = hex(note.description);
    return id.empty();
  };
  for (const NoteRange& range : notes_)
    if (id.empty()) for_each_note(range.offset, range.size, range.align, find);
  // Separate debug files and objects have sections only.
  if (const Section* section = this->section(".note.gnu.build-id"); id.empty() && section != nullptr)
    for_each_note(section->offset, section->size, 4, find);
  return id;
}

}  // namespace trigon::symbols
