#include "symbols/go_pclntab.h"

#include <algorithm>
#include <cstring>

namespace trigon::symbols {
namespace {

constexpr uint32_t kGo12 = 0xfffffffb;
constexpr uint32_t kGo116 = 0xfffffffa;
constexpr uint32_t kGo118 = 0xfffffff0;
constexpr uint32_t kGo120 = 0xfffffff1;
constexpr size_t kHeader = 8;  // before the first number

// Small numbers at rising offsets of a file, read a piece at a time.
class Window {
 public:
  explicit Window(const ByteSource& bytes) : bytes_(bytes) {}

  bool number(uint64_t offset, size_t size, uint64_t* value) {
    if (offset < start_ || offset - start_ > held_ || held_ - (offset - start_) < size) {
      start_ = offset;
      held_ = bytes_.read_some(offset, buffer_, sizeof(buffer_));
      if (held_ < size) return false;
    }
    *value = 0;
    std::memcpy(value, buffer_ + (offset - start_), size);  // little endian, as all that Go and we both run on
    return true;
  }

 private:
  const ByteSource& bytes_;
  uint64_t start_ = 0;
  size_t held_ = 0;
  char buffer_[16384];
};

}  // namespace

std::optional<GoPclntab> GoPclntab::of(const ElfFile& file) {
  const Section* section = file.section(".gopclntab");
  if (section == nullptr) section = file.section(".data.rel.ro.gopclntab");  // position independent, since Go 1.22
  if (section == nullptr || section->size < kHeader) return std::nullopt;
  uint8_t header[kHeader + 8 * 8] = {};
  const size_t got = file.bytes().read_some(section->offset, header, std::min<uint64_t>(sizeof(header), section->size));
  if (got < kHeader + 8) return std::nullopt;
  uint32_t magic = 0;
  std::memcpy(&magic, header, sizeof(magic));
  const uint8_t quantum = header[6], pointer = header[7];
  if (header[4] != 0 || header[5] != 0 || (quantum != 1 && quantum != 2 && quantum != 4)) return std::nullopt;
  if (pointer != 4 && pointer != 8) return std::nullopt;
  const auto number = [&](size_t index) {
    uint64_t value = 0;
    std::memcpy(&value, header + kHeader + index * pointer, pointer);
    return value;
  };

  GoPclntab table;
  table.end_ = section->offset + section->size;
  table.count_ = std::min(number(0), kMaxFunctions);
  uint64_t names = 0, records = 0;
  if (magic == kGo118 || magic == kGo120) {
    table.entry_size_ = 4;
    table.record_entry_ = 4;
    table.text_ = number(2);
    names = number(3);
    records = number(7);
    // Since Go 1.26 the header no longer tells where the code begins.
    const Section* text = file.section(".text");
    if (table.text_ == 0 && text != nullptr) table.text_ = text->address;
  } else if (magic == kGo116) {
    table.entry_size_ = table.record_entry_ = pointer;
    names = number(2);
    records = number(6);
  } else if (magic == kGo12) {
    table.entry_size_ = table.record_entry_ = pointer;
  } else {
    return std::nullopt;
  }
  if (names >= section->size || records >= section->size) return std::nullopt;
  table.names_ = section->offset + names;
  table.records_ = section->offset + records;
  table.pairs_ = magic == kGo12 ? section->offset + kHeader + pointer : table.records_;
  table.names_size_ = table.end_ - table.names_;
  return table;
}

void GoPclntab::for_each(const ElfFile& file, const std::function<bool(const Function&)>& each) const {
  Window pairs(file.bytes());
  Window records(file.bytes());
  for (uint64_t i = 0; i < count_; ++i) {
    const uint64_t at = pairs_ + i * 2 * entry_size_;
    if (at + 3 * uint64_t{entry_size_} > end_) return;
    uint64_t address = 0, record = 0, next = 0, name = 0;
    // The table ends with one address more, so there is always a next.
    if (!pairs.number(at, entry_size_, &address) || !pairs.number(at + entry_size_, entry_size_, &record) ||
        !pairs.number(at + 2 * uint64_t{entry_size_}, entry_size_, &next))
      return;
    if (record >= end_ - records_) continue;
    if (!records.number(records_ + record + record_entry_, 4, &name) || name >= names_size_) continue;
    if (!each({text_ + address, text_ + std::max(address, next), static_cast<uint32_t>(name)})) return;
  }
}

std::vector<uint64_t> GoPclntab::find(const ElfFile& file, const std::string& name) const {
  std::vector<uint64_t> found;
  Window names(file.bytes());
  for_each(file, [&](const Function& function) {
    // One byte decides nearly always.
    uint64_t first = 0;
    if (!name.empty() && names.number(names_ + function.name, 1, &first) && static_cast<char>(first) == name.front() &&
        file.bytes().text(names_ + function.name, name.size() + 1) == name)
      found.push_back(function.address);
    return true;
  });
  return found;
}

}  // namespace trigon::symbols
