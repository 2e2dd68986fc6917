// Operands of USDT notes, in the syntax of the assembler that made them:
//   x86-64   -4@%eax   8@$5   4@-20(%rbp)   1@(%rdx,%rax,8)   4@counter(%rip)
//   arm64    -4@w0   8@5   4@[sp, 12]   8@[x0, x1]   8@[x0, x1, lsl 3]
#include <asm/ptrace.h>
#include <elf.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <utility>

#include "symbols/elf_symbols.h"
#include "symbols/usdt.h"

namespace trigon::symbols {
namespace {

struct Named {
  std::string_view full;  // 64 bits
  uint16_t offset;
  std::array<std::string_view, 4> parts;  // 32, 16, 8 bits, bits 8 to 15
};

// Offsets in struct pt_regs, arch/x86/include/asm/ptrace.h: r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax
// ip cs flags sp ss.
constexpr std::array<Named, 17> kX86 = {{
    {"r15", 0, {"r15d", "r15w", "r15b", ""}},
    {"r14", 8, {"r14d", "r14w", "r14b", ""}},
    {"r13", 16, {"r13d", "r13w", "r13b", ""}},
    {"r12", 24, {"r12d", "r12w", "r12b", ""}},
    {"rbp", 32, {"ebp", "bp", "bpl", ""}},
    {"rbx", 40, {"ebx", "bx", "bl", "bh"}},
    {"r11", 48, {"r11d", "r11w", "r11b", ""}},
    {"r10", 56, {"r10d", "r10w", "r10b", ""}},
    {"r9", 64, {"r9d", "r9w", "r9b", ""}},
    {"r8", 72, {"r8d", "r8w", "r8b", ""}},
    {"rax", 80, {"eax", "ax", "al", "ah"}},
    {"rcx", 88, {"ecx", "cx", "cl", "ch"}},
    {"rdx", 96, {"edx", "dx", "dl", "dh"}},
    {"rsi", 104, {"esi", "si", "sil", ""}},
    {"rdi", 112, {"edi", "di", "dil", ""}},
    {"rip", 128, {"eip", "ip", "", ""}},
    {"rsp", 152, {"esp", "sp", "spl", ""}},
}};
#ifdef __x86_64__
static_assert(offsetof(struct pt_regs, rdi) == 112 && offsetof(struct pt_regs, rsp) == 152);
#endif

std::optional<Register> x86_register(std::string_view name) {
  if (name.empty() || name.front() != '%') return std::nullopt;
  name.remove_prefix(1);
  if (name.empty()) return std::nullopt;
  for (const Named& reg : kX86) {
    if (name == reg.full) return Register{std::string(reg.full), reg.offset, 0};
    for (size_t i = 0; i < reg.parts.size(); ++i)
      if (name == reg.parts[i])
        return Register{std::string(reg.full), reg.offset, static_cast<uint8_t>(i == 3 ? 8 : 0)};
  }
  return std::nullopt;
}

// struct user_pt_regs, arch/arm64/include/uapi/asm/ptrace.h: regs[31], sp, pc, pstate.
std::optional<Register> arm_register(std::string_view name) {
  constexpr uint16_t kSp = 31 * 8;
  if (name == "sp" || name == "wsp") return Register{"sp", kSp, 0};
  if (name.size() < 2 || (name.front() != 'x' && name.front() != 'w')) return std::nullopt;
  unsigned number = 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number > 30) return std::nullopt;
  return Register{"x" + std::to_string(number), static_cast<uint16_t>(number * 8), 0};
}

// Decimal or 0x…, with a sign; all of `text`.
std::optional<int64_t> number(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return static_cast<int64_t>(negative ? -value : value);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The pieces between commas.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const size_t comma = text.find(',');
    pieces.push_back(trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return pieces;
    text.remove_prefix(comma + 1);
  }
}

struct Place {
  uint64_t address;
  const ElfFile* file;
};

// What stands before the parenthesis: nothing, a number, a variable, or one and the other ("counter+4", "8+counter").
// The address of a variable is turned into a distance from the probe, because rip at the probe is where it is.
std::optional<int64_t> displacement(std::string_view text, bool from_rip, const Place& place) {
  if (text.empty()) return 0;
  if (const auto value = number(text)) return value;
  int64_t extra = 0;
  std::string_view name = text;
  if (const size_t sign = text.find_first_of("+-", 1); sign != std::string_view::npos) {
    if (const auto behind = number(text.substr(sign))) {
      extra = *behind;
      name = text.substr(0, sign);
    } else if (const auto before = number(text.substr(0, sign)); before && text[sign] == '+') {
      extra = *before;
      name = text.substr(sign + 1);
    }
  }
  if (!from_rip || place.file == nullptr) return std::nullopt;
  const auto objects = find_objects(*place.file, name);
  if (objects.size() != 1) return std::nullopt;  // several static variables of that name: no telling which
  return static_cast<int64_t>(objects.front().address + static_cast<uint64_t>(extra) - place.address);
}

void parse_x86(std::string_view operand, const Place& place, UsdtArg* arg) {
  if (operand.starts_with('$')) {
    const auto value = number(operand.substr(1));
    if (!value) return;
    arg->value = *value;
    arg->kind = UsdtArg::Kind::kConstant;
    return;
  }
  if (operand.starts_with('%')) {
    arg->base = x86_register(operand);
    if (arg->base) arg->kind = UsdtArg::Kind::kRegister;
    return;
  }
  const size_t open = operand.find('(');
  if (open == std::string_view::npos || operand.back() != ')') return;
  const auto pieces = split(operand.substr(open + 1, operand.size() - open - 2));
  if (pieces.size() > 3) return;
  if (!pieces[0].empty() && !(arg->base = x86_register(pieces[0]))) return;
  if (pieces.size() > 1 && !pieces[1].empty() && !(arg->index = x86_register(pieces[1]))) return;
  if (pieces.size() > 2) {
    const auto scale = number(pieces[2]);
    if (!scale || (*scale != 1 && *scale != 2 && *scale != 4 && *scale != 8)) return;
    arg->scale = static_cast<uint8_t>(*scale);
  }
  const bool from_rip = arg->base && arg->base->name == "rip";
  const auto value = displacement(operand.substr(0, open), from_rip, place);
  if (!value || (!arg->base && !arg->index)) return;
  arg->value = *value;
  arg->kind = UsdtArg::Kind::kMemory;
}

void parse_arm(std::string_view operand, UsdtArg* arg) {
  if (!operand.starts_with('[')) {
    if (const auto value = number(operand)) {
      arg->value = *value;
      arg->kind = UsdtArg::Kind::kConstant;
    } else if ((arg->base = arm_register(operand))) {
      arg->kind = UsdtArg::Kind::kRegister;
    }
    return;
  }
  if (operand.back() != ']') return;
  const auto pieces = split(operand.substr(1, operand.size() - 2));
  if (pieces.size() > 3 || !(arg->base = arm_register(pieces[0]))) return;
  if (pieces.size() > 1) {
    if (const auto value = number(pieces[1].starts_with('#') ? pieces[1].substr(1) : pieces[1])) {
      if (pieces.size() > 2) return;
      arg->value = *value;
    } else if (!(arg->index = arm_register(pieces[1])) || pieces[1].front() != 'x') {
      return;
    }
  }
  if (pieces.size() > 2) {
    std::string_view shift = pieces[2];
    if (!shift.starts_with("lsl")) return;  // sxtw and friends extend: not a plain multiplication
    shift = trim(shift.substr(3));
    const auto bits = number(shift.starts_with('#') ? shift.substr(1) : shift);
    if (!bits || *bits < 0 || *bits > 3) return;
    arg->scale = static_cast<uint8_t>(1 << *bits);
  }
  arg->kind = UsdtArg::Kind::kMemory;
}

UsdtArg parse_one(std::string_view text, uint16_t machine, const Place& place) {
  UsdtArg arg;
  arg.text = text;
  const size_t at = text.find('@');
  if (at == std::string_view::npos || at + 1 >= text.size()) return arg;
  const auto size = number(text.substr(0, at));  // "8f": floating point
  if (!size || (*size != 1 && *size != 2 && *size != 4 && *size != 8 && *size != -1 && *size != -2 && *size != -4 &&
                *size != -8))
    return arg;
  UsdtArg parsed = arg;
  if (machine == EM_X86_64) parse_x86(text.substr(at + 1), place, &parsed);
  if (machine == EM_AARCH64) parse_arm(text.substr(at + 1), &parsed);
  if (parsed.kind == UsdtArg::Kind::kUnsupported) return arg;  // without what was parsed of it
  parsed.is_signed = *size < 0;
  parsed.size = static_cast<uint8_t>(*size < 0 ? -*size : *size);
  return parsed;
}

}  // namespace

std::vector<UsdtArg> parse_usdt_args(std::string_view text, uint16_t machine, uint64_t address, const ElfFile* file) {
  std::vector<UsdtArg> args;
  text = trim(text);
  while (!text.empty()) {
    // Operands are separated by blanks; inside brackets and parentheses blanks belong to the operand.
    size_t end = 0;
    for (int depth = 0; end < text.size() && (depth > 0 || text[end] != ' '); ++end) {
      if (text[end] == '(' || text[end] == '[') ++depth;
      if (text[end] == ')' || text[end] == ']') --depth;
    }
    args.push_back(parse_one(text.substr(0, end), machine, {address, file}));
    text = trim(text.substr(end));
  }
  return args;
}

}  // namespace trigon::symbols
