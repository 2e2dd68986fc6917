// Any bytes as an ELF file of somebody whom we watch: no read outside, no crash, no memory without bound, an end in
// reasonable time, and every answer inside the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "symbols/elf_file.h"
#include "symbols/elf_symbols.h"
#include "symbols/elf_targets.h"
#include "symbols/go_pclntab.h"
#include "symbols/perf_map.h"
#include "symbols/symbol_table.h"
#include "symbols/usdt.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace trigon::symbols;
  const auto bytes = std::make_shared<MemoryBytes>(std::span(data, size));
  PerfMap::parse(*bytes).find(0x1000);
  auto file = ElfFile::parse(bytes, "input");
  if (!file.ok()) return 0;
  file->build_id();
  const SymbolTable table = SymbolTable::of(*file);
  if (table.bytes() > SymbolTable::kMaxFunctions * 16) std::abort();
  for (const Segment& segment : file->segments()) {
    table.find(segment.address);
    table.find(segment.address + segment.file_size / 2);
  }
  if (const auto go = GoPclntab::of(*file)) go->find(*file, "main.main");
  for (const UsdtProbe& probe : usdt_probes(*file))
    if (!file->is_code(probe.address)) std::abort();
  const ElfTargets targets(*std::move(file));
  for (const char* name : {"main", "main.main", "f+0x4"}) {
    const auto target = targets.symbol(name);
    if (target.ok() && !targets.file().address_of(target->offset)) std::abort();
  }
  return 0;
}
