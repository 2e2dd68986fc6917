#include "symbols/usdt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf_builder.h"
#include "loaded.h"

// Probes of this program, as sys/sdt.h writes them: a nop, and a note that says where it is. The semaphore lies in a
// section of its own so that the linker keeps them together.
#ifdef __x86_64__
#define REGISTER_OPERAND "8@%%rdi"
#else
#define REGISTER_OPERAND "8@x0"
#endif
// clang-format off
#define PROBE(name, semaphore, args)                            \
  "990: nop\n"                                                  \
  ".pushsection .note.stapsdt, \"?\", \"note\"\n"               \
  ".balign 4\n"                                                 \
  ".4byte 992f-991f, 994f-993f, 3\n"                            \
  "991: .asciz \"stapsdt\"\n"                                   \
  "992: .balign 4\n"                                            \
  "993: .8byte 990b\n"                                          \
  ".8byte _.stapsdt.base\n"                                     \
  ".8byte " semaphore "\n"                                      \
  ".asciz \"trigon_test\"\n"                                    \
  ".asciz \"" name "\"\n"                                       \
  ".asciz \"" args "\"\n"                                       \
  "994: .balign 4\n"                                            \
  ".popsection\n"                                               \
  ".ifndef _.stapsdt.base\n"                                    \
  ".pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n" \
  ".weak _.stapsdt.base\n"                                      \
  ".hidden _.stapsdt.base\n"                                    \
  "_.stapsdt.base: .space 1\n"                                  \
  ".size _.stapsdt.base, 1\n"                                   \
  ".popsection\n"                                               \
  ".endif\n"
// clang-format on

extern "C" {
__attribute__((section(".probes"), used, visibility("hidden"))) unsigned short trigon_test_semaphore = 0;
extern const char trigon_usdt_plain[];
extern const char trigon_usdt_guarded[];
__attribute__((noinline, used)) long trigon_usdt_test_probes(long value) {
  // The labels are the test's own view of where the probes are.
  asm volatile(
      ".globl trigon_usdt_plain\n.hidden trigon_usdt_plain\ntrigon_usdt_plain:\n" PROBE(
          "plain",
          "0", REGISTER_OPERAND) ".globl trigon_usdt_guarded\n.hidden "
                                 "trigon_usdt_guarded\ntrigon_usdt_guarded:\n" PROBE("guarded", "trigon_test_semaphore",
                                                                                     "")
      : "+r"(value)
      :
      : "memory");
  return value;
}
}

namespace trigon::symbols {
namespace {

using test::ElfBuilder;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Usdt, ProbesOfThisProgram) {
  const auto file = ElfFile::open("/proc/self/exe");
  ASSERT_TRUE(file.ok()) << file.error().message();
  const uint64_t bias = test::loaded_at(trigon_usdt_plain).bias;
  const auto plain = find_usdt(*file, "trigon_test", "plain");
  ASSERT_TRUE(plain.ok()) << plain.error().message();
  ASSERT_THAT(*plain, SizeIs(1));
  EXPECT_EQ(plain->front().address, test::to_address(trigon_usdt_plain) - bias);
  EXPECT_EQ(file->address_of(plain->front().offset), plain->front().address);
  EXPECT_EQ(plain->front().semaphore_offset, 0U);
  ASSERT_THAT(plain->front().args, SizeIs(1));
  EXPECT_EQ(plain->front().args[0].kind, UsdtArg::Kind::kRegister);

  const auto guarded = find_usdt(*file, "trigon_test", "guarded");
  ASSERT_TRUE(guarded.ok()) << guarded.error().message();
  const uint64_t semaphore = test::to_address(&trigon_test_semaphore) - bias;
  EXPECT_EQ(guarded->front().semaphore_offset, file->offset_of(semaphore));
  EXPECT_THAT(guarded->front().args, SizeIs(0));
}

TEST(Usdt, NamesTheNearest) {
  const auto file = ElfFile::open("/proc/self/exe");
  ASSERT_TRUE(file.ok());
  const auto probe = find_usdt(*file, "trigon_test", "plian");
  ASSERT_FALSE(probe.ok());
  EXPECT_EQ(probe.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(probe.error().message(), HasSubstr("did you mean `trigon_test:plain`?"));
}

std::string note(uint64_t address, uint64_t base, uint64_t semaphore, const std::string& strings) {
  const uint64_t addresses[3] = {address, base, semaphore};
  const std::string description = std::string(reinterpret_cast<const char*>(addresses), sizeof(addresses)) + strings;
  const uint32_t header[3] = {8, static_cast<uint32_t>(description.size()), 3};
  std::string text =
      std::string(reinterpret_cast<const char*>(header), sizeof(header)) + std::string("stapsdt\0", 8) + description;
  text.resize((text.size() + 3) & ~size_t{3}, '\0');
  return text;
}

TEST(Usdt, MovedByPrelink) {
  ElfBuilder builder;
  builder.section(".stapsdt.base", SHT_PROGBITS, "x", ElfBuilder::kCodeAddress + 0x800);
  // Linked 0x1000 lower than it lies now.
  builder.section(".note.stapsdt", SHT_NOTE,
                  note(ElfBuilder::kCodeAddress + 0x10 - 0x1000, ElfBuilder::kCodeAddress + 0x800 - 0x1000,
                       ElfBuilder::kDataAddress + 2 - 0x1000, std::string("p\0n\0-4@%eax\0", 12)));
  const auto file = test::parse_elf(builder.bytes());
  ASSERT_TRUE(file.ok());
  const auto probes = usdt_probes(*file);
  ASSERT_THAT(probes, SizeIs(1));
  EXPECT_EQ(probes[0].offset, ElfBuilder::kCode + 0x10);
  EXPECT_EQ(probes[0].semaphore_offset, ElfBuilder::kData + 2);
  EXPECT_THAT(probes[0].args, SizeIs(1));
}

TEST(Usdt, NotesThatLeadNowhereAreLeftOut) {
  ElfBuilder builder;
  builder.section(".note.stapsdt", SHT_NOTE,
                  note(0x10, 0, 0, std::string("p\0n\0\0", 5)) +                             // no code
                      note(ElfBuilder::kCodeAddress, 0, 0x20, std::string("p\0n\0\0", 5)) +  // no semaphore
                      note(ElfBuilder::kCodeAddress, 0, 0, std::string("p", 1)) +            // no name
                      note(ElfBuilder::kCodeAddress + 4, 0, 0, std::string("p\0good\0\0", 8)));
  const auto file = test::parse_elf(builder.bytes());
  ASSERT_TRUE(file.ok());
  const auto probes = usdt_probes(*file);
  ASSERT_THAT(probes, SizeIs(1));
  EXPECT_EQ(probes[0].name, "good");
}

std::string describe(const UsdtArg& arg) {
  const auto name = [](const std::optional<Register>& reg) {
    return reg ? reg->name + "/" + std::to_string(reg->offset) + (reg->shift ? ">>" + std::to_string(reg->shift) : "")
               : std::string("-");
  };
  const std::string type = (arg.is_signed ? "s" : "u") + std::to_string(arg.size * 8) + " ";
  switch (arg.kind) {
    case UsdtArg::Kind::kConstant:
      return type + std::to_string(arg.value);
    case UsdtArg::Kind::kRegister:
      return type + name(arg.base);
    case UsdtArg::Kind::kMemory:
      return type + "[" + name(arg.base) + " + " + name(arg.index) + "*" + std::to_string(arg.scale) + " + " +
             std::to_string(arg.value) + "]";
    case UsdtArg::Kind::kUnsupported:
      return "unsupported " + arg.text;
  }
  return {};
}

struct Case {
  uint16_t machine;
  const char* text;
  const char* expected;
};

class Operands : public ::testing::TestWithParam<Case> {};

TEST_P(Operands, AreRead) {
  const auto args = parse_usdt_args(GetParam().text, GetParam().machine);
  ASSERT_THAT(args, SizeIs(1));
  EXPECT_EQ(describe(args[0]), GetParam().expected);
}

// Offsets are those of struct pt_regs.
INSTANTIATE_TEST_SUITE_P(
    X86, Operands,
    ::testing::Values(Case{EM_X86_64, "-4@%eax", "s32 rax/80"}, Case{EM_X86_64, "8@%rdi", "u64 rdi/112"},
                      Case{EM_X86_64, "1@%r9b", "u8 r9/64"}, Case{EM_X86_64, "2@%si", "u16 rsi/104"},
                      Case{EM_X86_64, "1@%ah", "u8 rax/80>>8"}, Case{EM_X86_64, "-4@$-5", "s32 -5"},
                      Case{EM_X86_64, "8@$18446744073709551615", "u64 -1"}, Case{EM_X86_64, "4@$0x10", "u32 16"},
                      Case{EM_X86_64, "-4@-20(%rbp)", "s32 [rbp/32 + -*1 + -20]"},
                      Case{EM_X86_64, "8@(%rsp)", "u64 [rsp/152 + -*1 + 0]"},
                      Case{EM_X86_64, "1@(%rdx,%rax)", "u8 [rdx/96 + rax/80*1 + 0]"},
                      Case{EM_X86_64, "4@16(%rbx,%r12,8)", "u32 [rbx/40 + r12/24*8 + 16]"},
                      Case{EM_X86_64, "8@0x20(,%rcx,4)", "u64 [- + rcx/88*4 + 32]"}));
INSTANTIATE_TEST_SUITE_P(X86Refused, Operands,
                         ::testing::Values(Case{EM_X86_64, "8f@%xmm0", "unsupported 8f@%xmm0"},
                                           Case{EM_X86_64, "3@%eax", "unsupported 3@%eax"},
                                           Case{EM_X86_64, "4@%xyz", "unsupported 4@%xyz"},
                                           Case{EM_X86_64, "4@", "unsupported 4@"},
                                           Case{EM_X86_64, "4@(%rax,%rbx,3)", "unsupported 4@(%rax,%rbx,3)"},
                                           Case{EM_X86_64, "4@()", "unsupported 4@()"},
                                           Case{EM_X86_64, "rubbish", "unsupported rubbish"},
                                           Case{EM_X86_64, "4@counter(%rip)", "unsupported 4@counter(%rip)"},
                                           Case{EM_PPC64, "4@3", "unsupported 4@3"}));
INSTANTIATE_TEST_SUITE_P(Arm64, Operands,
                         ::testing::Values(Case{EM_AARCH64, "-4@w3", "s32 x3/24"},
                                           Case{EM_AARCH64, "8@x30", "u64 x30/240"}, Case{EM_AARCH64, "-4@7", "s32 7"},
                                           Case{EM_AARCH64, "4@[sp, 12]", "u32 [sp/248 + -*1 + 12]"},
                                           Case{EM_AARCH64, "8@[x1]", "u64 [x1/8 + -*1 + 0]"},
                                           Case{EM_AARCH64, "8@[x0, -16]", "u64 [x0/0 + -*1 + -16]"},
                                           Case{EM_AARCH64, "8@[x0, x2, lsl 3]", "u64 [x0/0 + x2/16*8 + 0]"},
                                           Case{EM_AARCH64, "8@[x0, w2, sxtw 3]", "unsupported 8@[x0, w2, sxtw 3]"},
                                           Case{EM_AARCH64, "8@x31", "unsupported 8@x31"}));

TEST(Usdt, SeveralOperands) {
  const auto args = parse_usdt_args("  -4@%edi 8@8(%rsp, %rax, 2)   4@$3 ", EM_X86_64);
  ASSERT_THAT(args, SizeIs(3));
  EXPECT_EQ(describe(args[0]), "s32 rdi/112");
  EXPECT_EQ(describe(args[1]), "u64 [rsp/152 + rax/80*2 + 8]");
  EXPECT_EQ(describe(args[2]), "u32 3");
  EXPECT_THAT(parse_usdt_args("", EM_X86_64), SizeIs(0));
}

TEST(Usdt, VariablesAreAsFarFromTheProbe) {
  ElfBuilder builder;
  builder.symbols(SHT_SYMTAB, {{"counter", ElfBuilder::kDataAddress + 0x20, 8, STB_LOCAL, STT_OBJECT},
                               {"twice", ElfBuilder::kDataAddress + 0x28, 8, STB_LOCAL, STT_OBJECT},
                               {"twice", ElfBuilder::kDataAddress + 0x30, 8, STB_LOCAL, STT_OBJECT}});
  const auto file = test::parse_elf(builder.bytes());
  ASSERT_TRUE(file.ok());
  const uint64_t probe = ElfBuilder::kCodeAddress + 0x40;
  const auto distance = static_cast<int64_t>(ElfBuilder::kDataAddress + 0x20 - probe);
  for (const auto& [text, extra] : {std::pair("4@counter(%rip)", 0),
                                    {"4@counter+4(%rip)", 4},
                                    {"4@4+counter(%rip)", 4},
                                    {"4@counter-4(%rip)", -4}}) {
    const auto args = parse_usdt_args(text, EM_X86_64, probe, &*file);
    ASSERT_THAT(args, SizeIs(1));
    EXPECT_EQ(args[0].kind, UsdtArg::Kind::kMemory) << text;
    EXPECT_EQ(args[0].value, distance + extra) << text;
    EXPECT_EQ(args[0].base->name, "rip");
  }
  EXPECT_EQ(parse_usdt_args("4@twice(%rip)", EM_X86_64, probe, &*file)[0].kind, UsdtArg::Kind::kUnsupported);
  EXPECT_EQ(parse_usdt_args("4@none(%rip)", EM_X86_64, probe, &*file)[0].kind, UsdtArg::Kind::kUnsupported);
}

}  // namespace
}  // namespace trigon::symbols
