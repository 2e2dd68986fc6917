// Functions of `objects` that user-space probes sit on: numbers of every width, texts, a static probe (a note that
// SystemTap defined), and a chain of two for stack traces.
#ifndef TRIGON_TESTS_TRIGGERS_OBJECTS_PROBES_H
#define TRIGON_TESTS_TRIGGERS_OBJECTS_PROBES_H

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROBED __attribute__((noinline, used, noclone))

// Registers are 64 bits wide: what stands above the declared width must not be taken for a part of the value.
PROBED void probed_narrow(uint64_t i8, uint64_t u8, uint64_t i16, uint64_t u16, uint64_t i32) {
  __asm__ volatile("" : : "r"(i8), "r"(u8), "r"(i16), "r"(u16), "r"(i32) : "memory");
}
PROBED void probed_wide(uint64_t u32, uint64_t i64, uint64_t u64, uint64_t size, uint64_t i) {
  __asm__ volatile("" : : "r"(u32), "r"(i64), "r"(u64), "r"(size), "r"(i) : "memory");
}
PROBED long probed_text(const char* text, const void* data, unsigned long size) {
  __asm__ volatile("" : : "r"(text), "r"(data), "r"(size) : "memory");
  return -41 - (long)size;
}

PROBED void probed_count(unsigned long number, const char* text, int again) {
  __asm__ volatile("" : : "r"(number), "r"(text), "r"(again) : "memory");
}

static void call_number_probes(void) {
  const uint64_t above = 0xabcdef0000000000;
  probed_narrow(above | 0xfb, above | 0xfb, above | 0xfffb, above | 0xfffb, above | 0xfffffffb);
  probed_wide(above | 0xfffffffb, -5ull, -5ull, 1ull << 40, 77);
}

static void call_text_probes(void) {
  probed_text("probed text", "\0probed\xff", 8);
  probed_text((const char*)8, "other", 5);  // nothing can be read there
}

// probe trigon:answer with an int in memory-sized 4 and one of 8 bytes.
static __attribute__((noinline)) void call_static_probe(void) {
  long first = -42, second = 1l << 40;
#if defined(__x86_64__) || defined(__aarch64__)
#if defined(__x86_64__)
#define OPERANDS "-4@%k0 -8@%1"
#else
#define OPERANDS "-4@%w0 -8@%x1"
#endif
  __asm__ volatile(
      "990: nop\n"
      ".pushsection .note.stapsdt,\"\",\"note\"\n"
      ".balign 4\n"
      ".4byte 992f-991f, 994f-993f, 3\n"
      "991: .asciz \"stapsdt\"\n"
      "992: .balign 4\n"
      "993: .8byte 990b\n"
      ".8byte _.stapsdt.base\n"
      ".8byte 0\n"
      ".asciz \"trigon\"\n"
      ".asciz \"answer\"\n"
      ".asciz \"" OPERANDS
      "\"\n"
      "994: .balign 4\n"
      ".popsection\n"
      ".ifndef _.stapsdt.base\n"
      ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
      ".weak _.stapsdt.base\n"
      ".hidden _.stapsdt.base\n"
      "_.stapsdt.base: .space 1\n"
      ".size _.stapsdt.base, 1\n"
      ".popsection\n"
      ".endif\n"
      :
      : "r"(first), "r"(second));
#else
  (void)first, (void)second;
#endif
}

// The call itself, not libc's: frame pointers lead from here to main.
PROBED long stack_inner(void) {
  long result = SYS_getsid;
#if defined(__x86_64__)
  __asm__ volatile("syscall" : "+a"(result) : "D"(-80l) : "rcx", "r11", "memory");
#else
  result = syscall(SYS_getsid, -80);
#endif
  return result;
}
PROBED long stack_outer(void) {
  long result = stack_inner();
  __asm__ volatile("" : "+r"(result));
  return result;
}

#endif
