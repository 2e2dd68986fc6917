// GoPclntab: the table from addresses to functions that every Go program carries for its own stack traces, and that
// `strip` and -ldflags=-s leave alone.
//
// The layout is that of Go's src/internal/abi and src/debug/gosym, which tell the versions apart by the first four
// bytes:
//   0xfffffffb (Go 1.2)   header: magic, 0, 0, quantum, pointer size, number of functions; then pairs of pointers
//                         (address, offset of its record); names are offsets from the beginning of the table
//   0xfffffffa (Go 1.16)  names and records have areas of their own, whose offsets are in the header
//   0xfffffff0 (Go 1.18)  pairs are two 32-bit numbers, addresses are relative to the beginning of the code
//   0xfffffff1 (Go 1.20)  the same, another encoding of things that do not matter here
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "symbols/elf_file.h"

namespace trigon::symbols {

class GoPclntab {
 public:
  // Tables that claim more functions are cut: the Go tool chain itself has 30,000, kubelet 150,000.
  static constexpr uint64_t kMaxFunctions = uint64_t{1} << 21;

  // nullopt: not a Go program, or a version that is not known.
  static std::optional<GoPclntab> of(const ElfFile& file);

  struct Function {
    uint64_t address = 0;
    uint64_t end = 0;   // where the next begins
    uint32_t name = 0;  // offset from names()
  };
  // In the order of the addresses, while `each` says true.
  void for_each(const ElfFile& file, const std::function<bool(const Function&)>& each) const;
  // Addresses of the functions of that name ("main.main", "net/http.(*Client).Do").
  std::vector<uint64_t> find(const ElfFile& file, const std::string& name) const;

  uint64_t names() const { return names_; }  // file offset of the area of names
  uint64_t names_size() const { return names_size_; }

 private:
  GoPclntab() = default;

  uint64_t count_ = 0;
  uint64_t text_ = 0;   // what addresses are relative to
  uint64_t pairs_ = 0;  // file offset
  uint64_t records_ = 0;
  uint64_t names_ = 0;
  uint64_t end_ = 0;  // file offset where the table ends
  uint64_t names_size_ = 0;
  uint8_t entry_size_ = 8;    // of each number of a pair
  uint8_t record_entry_ = 4;  // bytes before the name in a record
};

}  // namespace trigon::symbols
