// USDT: the probes that a program declares (sys/sdt.h), as its notes say: where they are and where the values lie.
//
// A note in .note.stapsdt has type 3, name "stapsdt", and as description three addresses (the probe, the .stapsdt.base
// section as it was when the program was linked, the semaphore or 0), then three strings: provider, name, arguments.
// Prelink may move a program afterwards: what .stapsdt.base moved by, the other two addresses moved by.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "symbols/elf_file.h"

namespace trigon::symbols {

// A register in struct pt_regs of the kernel.
struct Register {
  std::string name;     // of all its 64 bits: "rdi", "rip"; "x0", "sp"
  uint16_t offset = 0;  // bytes from the beginning of struct pt_regs
  uint8_t shift = 0;    // bits to shift right: 8 for ah, bh, ch, dh
  bool operator==(const Register&) const = default;
};

// One operand, "N@OP". The value is the low `size` bytes of:
struct UsdtArg {
  enum class Kind {
    kConstant,    // value
    kRegister,    // base
    kMemory,      // what lies at base + index * scale + value; base, index or both may be absent
    kUnsupported  // floating point, vector registers; `text` has it
  };
  Kind kind = Kind::kUnsupported;
  uint8_t size = 0;  // 1, 2, 4 or 8; 0 when unsupported
  bool is_signed = false;
  int64_t value = 0;
  std::optional<Register> base;
  std::optional<Register> index;
  uint8_t scale = 1;  // 1, 2, 4, 8
  std::string text;   // as in the note
  bool operator==(const UsdtArg&) const = default;
};

// One place. Code that is inlined several times has several places, each with operands of its own.
struct UsdtProbe {
  std::string provider;
  std::string name;
  uint64_t address = 0;           // in the file's own terms
  uint64_t offset = 0;            // in the file: where a uprobe goes
  uint64_t semaphore_offset = 0;  // in the file: ref_ctr_offset of a uprobe; 0: none
  std::vector<UsdtArg> args;
};

// All of the file; none is no error. At most kMaxUsdtProbes.
constexpr size_t kMaxUsdtProbes = 16384;
std::vector<UsdtProbe> usdt_probes(const ElfFile& file);

// All places of one probe. kNotFound names the nearest.
Result<std::vector<UsdtProbe>> find_usdt(const ElfFile& file, std::string_view provider, std::string_view name);

// Operands of a note, for EM_X86_64 or EM_AARCH64. `address` is the probe's and `file` where names of variables
// ("4@counter(%rip)") are looked up; without a file such operands are unsupported.
std::vector<UsdtArg> parse_usdt_args(std::string_view text, uint16_t machine, uint64_t address = 0,
                                     const ElfFile* file = nullptr);

}  // namespace trigon::symbols
