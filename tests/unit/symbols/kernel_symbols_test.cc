#include "symbols/kernel_symbols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "../sys/fake_tree.h"

namespace trigon::symbols {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kText =
    "ffffffff81000000 T _stext\n"
    "ffffffff81000000 t start_alias\n"
    "ffffffff81000040 T do_something\n"
    "ffffffff81000070 t __pfx_padded\n"
    "ffffffff81000080 D some_data\n"
    "ffffffff81000100 W weak_one\n"
    "ffffffff81001000 T _etext\n"
    "ffffffffa0200000 t late_function\t[second]\n"
    "ffffffffa0100000 t early_function\t[first]\n"
    "ffffffffa0100040 T exported\t[first]\n"
    "ffffffffa0300000 t bpf_prog_1\t[bpf]\n"
    "rubbish\n";

std::string name(KernelSymbols* symbols, uint64_t address) {
  const auto symbol = symbols->find(address);
  if (!symbol) return "none";
  return std::string(symbol->name) + "+" + std::to_string(symbol->offset) +
         (symbol->module.empty() ? "" : " " + std::string(symbol->module));
}

TEST(KernelSymbols, FindsWhatContainsTheAddress) {
  const test::FakeTree tree({{"kallsyms", kText}});
  KernelSymbols symbols({}, tree.root() + "/kallsyms");
  EXPECT_EQ(symbols.bytes(), 0U);  // nothing is read before it is needed
  EXPECT_EQ(name(&symbols, 0xffffffff81000004), "_stext+4");
  EXPECT_EQ(name(&symbols, 0xffffffff81000040), "do_something+0");
  EXPECT_EQ(name(&symbols, 0xffffffff81000090), "__pfx_padded+32");  // data is no function
  EXPECT_EQ(name(&symbols, 0xffffffff81000100), "weak_one+0");
  EXPECT_EQ(name(&symbols, 0xffffffffa0100044), "exported+4 first");
  EXPECT_EQ(name(&symbols, 0xffffffffa0200001), "late_function+1 second");
  EXPECT_EQ(name(&symbols, 0xffffffffa0300002), "bpf_prog_1+2 bpf");
  EXPECT_EQ(name(&symbols, 0xffffffff80ffffff), "none");
  EXPECT_EQ(name(&symbols, 0xffffffffb0000000), "none");  // far behind the last
  EXPECT_EQ(name(&symbols, 0), "none");
  EXPECT_EQ(symbols.address_of("exported"), 0xffffffffa0100040U);
  EXPECT_EQ(symbols.address_of("some_data"), std::nullopt);
  EXPECT_EQ(symbols.why(), "");
}

TEST(KernelSymbols, HiddenAddressesAreExplained) {
  const test::FakeTree tree({{"kallsyms", "0000000000000000 T one\n0000000000000000 t two\t[m]\n"}});
  KernelSymbols symbols({}, tree.root() + "/kallsyms");
  EXPECT_EQ(name(&symbols, 0), "none");
  EXPECT_EQ(symbols.address_of("one"), std::nullopt);
  EXPECT_THAT(symbols.why(), HasSubstr("CAP_SYSLOG"));
  // The names are not hidden.
  const auto names = symbols.functions(nullptr);
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, ElementsAre("one", "two"));
}

TEST(KernelSymbols, MissingFile) {
  KernelSymbols symbols({}, "/no/such/kallsyms");
  EXPECT_EQ(name(&symbols, 1), "none");
  EXPECT_THAT(symbols.why(), HasSubstr("/no/such/kallsyms: No such file"));
  EXPECT_FALSE(symbols.functions(nullptr).ok());
}

TEST(KernelSymbols, ForgetsWhatNobodyAsksFor) {
  const test::FakeTree tree({{"kallsyms", kText}});
  KernelSymbols::Limits limits;
  limits.keep_unused = 10s;
  KernelSymbols symbols(limits, tree.root() + "/kallsyms");
  name(&symbols, 0xffffffff81000040);
  symbols.tidy(KernelSymbols::Clock::now() + 5s);
  EXPECT_GT(symbols.bytes(), 0U);
  symbols.tidy(KernelSymbols::Clock::now() + 11s);
  EXPECT_EQ(symbols.bytes(), 0U);
  EXPECT_EQ(name(&symbols, 0xffffffff81000040), "do_something+0");  // and reads it again
}

TEST(KernelSymbols, ModulesAreLookedForAgain) {
  const test::FakeTree tree({{"kallsyms", kText}});
  KernelSymbols::Limits limits;
  limits.refresh_modules = 0s;
  KernelSymbols symbols(limits, tree.root() + "/kallsyms");
  EXPECT_EQ(name(&symbols, 0xffffffffa0400000), "none");
  std::ofstream(tree.root() + "/kallsyms", std::ios::app) << "ffffffffa0400000 t loaded_now\t[third]\n";
  EXPECT_EQ(name(&symbols, 0xffffffffa0400010), "loaded_now+16 third");
}

TEST(KernelSymbols, TraceableFunctions) {
  const test::FakeTree tree({{"kallsyms", kText},
                             {"tracing/available_filter_functions",
                              "vfs_read\n__ftrace_invalid_address___12\nnf_hook [nf_tables]\nvfs_open\nvfs_read\n"}});
  KernelSymbols symbols({}, tree.root() + "/kallsyms");
  const auto tracefs = sys::Tracefs::at(tree.root() + "/tracing");
  ASSERT_TRUE(tracefs.ok());
  auto names = symbols.functions(&*tracefs);
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, ElementsAre("nf_hook", "vfs_open", "vfs_read"));
  const auto empty = sys::Tracefs::at(tree.root());  // a kernel without ftrace
  ASSERT_TRUE(empty.ok());
  names = symbols.functions(&*empty);
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, ElementsAre("_etext", "_stext", "do_something", "early_function", "exported", "late_function",
                                  "start_alias", "weak_one"));
}

[[maybe_unused]] uint64_t resident_bytes() {
  uint64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// The real file, against a plain reading of it.
TEST(KernelSymbols, OfThisKernel) {
  KernelSymbols symbols;
  std::ifstream file("/proc/kallsyms");
  std::string address, type, symbol_name, line;
  uint64_t expected = 0;
  while (std::getline(file, line))
    if (line.ends_with(" T vfs_read")) expected = std::stoull(line, nullptr, 16);
  if (expected == 0) GTEST_SKIP() << "kernel addresses are hidden from this user";
  EXPECT_EQ(symbols.address_of("vfs_read"), expected);
  EXPECT_EQ(name(&symbols, expected + 3), "vfs_read+3");
  EXPECT_GT(symbols.size(), 10000U);
  EXPECT_LT(symbols.bytes(), size_t{8} << 20);
#ifndef __SANITIZE_ADDRESS__  // keeps freed memory
  const uint64_t loaded = resident_bytes();
  const uint64_t table = symbols.bytes();
  symbols.tidy(KernelSymbols::Clock::now() + 1h);
  EXPECT_LT(resident_bytes() + table / 2, loaded);  // given back
#endif
}

}  // namespace
}  // namespace trigon::symbols
