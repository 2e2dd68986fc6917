// ElfTargets: where in a file a uprobe goes. The kernel wants file offsets; policies say symbols ("readline",
// "main.main", "malloc+0x10"), virtual addresses or file offsets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "symbols/elf_file.h"

namespace trigon::symbols {

struct UprobeTarget {
  uint64_t offset = 0;
  // More places of the same name: static functions of several sources, copies that the compiler made. A policy that
  // names the function means them all.
  std::vector<uint64_t> others;
};

// Blocking reads of the file; any thread. Opening a file and asking several things of it is one open, and `attach_path`
// makes the kernel probe that same file, whatever is renamed over its path meanwhile (a digest that was checked stays
// true).
class ElfTargets {
 public:
  static Result<ElfTargets> open(const std::string& path);
  // Of bytes that are no open file (tests): attach_path() is then the name.
  explicit ElfTargets(ElfFile file) : file_(std::move(file)), attach_path_(file_.name()) {}

  // "NAME" or "NAME+OFFSET" (0x… or decimal). kNotFound names a near symbol.
  Result<UprobeTarget> symbol(std::string_view text) const;
  // The same with the two parts apart.
  Result<UprobeTarget> symbol(const std::string& name, uint64_t offset) const;
  // As in the file: what `nm` and `objdump` print.
  Result<UprobeTarget> address(uint64_t address) const;
  // Checked to be code of the file.
  Result<UprobeTarget> offset(uint64_t offset) const;

  const ElfFile& file() const { return file_; }
  // Valid while this object lives.
  const std::string& attach_path() const { return attach_path_; }

 private:
  ElfTargets(ElfFile file, std::string attach_path) : file_(std::move(file)), attach_path_(std::move(attach_path)) {}
  Error no_such_symbol(const std::string& name) const;

  ElfFile file_;
  std::string attach_path_;
};

}  // namespace trigon::symbols
