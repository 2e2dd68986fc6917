#include "symbols/user_symbols.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>

#include "base/fd.h"
#include "loaded.h"
#include "symbols/elf_symbols.h"

extern "C" __attribute__((noinline, used)) int trigon_user_symbols_test_marker(int x) { return x * 7 + 3; }

namespace trigon::symbols {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;

uint32_t self() { return static_cast<uint32_t>(::getpid()); }

// When a process started, in nanoseconds of the boot clock, as /proc says.
uint64_t start_of(uint32_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return std::stoull(field) * (1'000'000'000ULL / static_cast<uint64_t>(::sysconf(_SC_CLK_TCK)));
}

// A child that runs a program; killed at the end.
class Child {
 public:
  explicit Child(const std::string& program) {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl(program.c_str(), "sleep", "60", nullptr);
      ::_exit(127);
    }
    // Until it is that program.
    for (int i = 0; i < 500; ++i) {
      std::error_code error;
      const auto exe = std::filesystem::read_symlink("/proc/" + std::to_string(pid_) + "/exe", error);
      if (!error && exe != std::filesystem::read_symlink("/proc/self/exe") && has_libc()) break;
      std::this_thread::sleep_for(10ms);
    }
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  uint32_t pid() const { return static_cast<uint32_t>(pid_); }
  // Where the first executable mapping of a file begins: address and offset in the file.
  std::pair<uint64_t, uint64_t> text_of(const std::string& name) const {
    std::ifstream maps("/proc/" + std::to_string(pid_) + "/maps");
    std::string text((std::istreambuf_iterator<char>(maps)), {});
    for (const Mapping& mapping : parse_maps(text, 1000))
      if (mapping.path.find(name) != std::string::npos) return {mapping.start, mapping.offset};
    return {0, 0};
  }

 private:
  bool has_libc() const { return text_of("libc.so").first != 0; }
  pid_t pid_ = -1;
};

TEST(UserSymbols, ThisProgram) {
  UserSymbols symbols;
  const auto* place = reinterpret_cast<const char*>(&trigon_user_symbols_test_marker);
  for (const uint64_t start : {uint64_t{0}, start_of(self())}) {
    const UserFrame& frame = symbols.find(self(), start, test::to_address(place) + 2);
    EXPECT_EQ(frame.symbol, "trigon_user_symbols_test_marker");
    EXPECT_EQ(frame.symbol_offset, 2U);
    EXPECT_EQ(frame.module, std::filesystem::read_symlink("/proc/self/exe").string());
    // The offset is one in the file.
    std::ifstream file(frame.module, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(frame.offset));
    char code[4];
    file.read(code, sizeof(code));
    EXPECT_EQ(std::memcmp(code, place + 2, sizeof(code)), 0);
  }
}

// A function that no sanitizer has a version of its own of.
TEST(UserSymbols, Libc) {
  UserSymbols symbols;
  const UserFrame& frame = symbols.find(self(), 0, test::to_address(reinterpret_cast<const void*>(&::a64l)) + 1);
  EXPECT_THAT(frame.module, HasSubstr("libc"));
  EXPECT_EQ(frame.symbol, "a64l");
}

TEST(UserSymbols, Vdso) {
  const uint64_t start = ::getauxval(AT_SYSINFO_EHDR);
  if (start == 0) GTEST_SKIP() << "this kernel maps no vdso";
  std::ifstream maps("/proc/self/maps");
  const std::string text((std::istreambuf_iterator<char>(maps)), {});
  uint64_t size = 0;
  for (const Mapping& mapping : parse_maps(text, 10000))
    if (mapping.start == start) size = mapping.end - mapping.start;
  const std::span<const uint8_t> memory(reinterpret_cast<const uint8_t*>(start), size);
  const auto file = ElfFile::parse(std::make_shared<MemoryBytes>(memory), "vdso");
  ASSERT_TRUE(file.ok()) << file.error().message();
  const Section* names = file->section_of_type(SHT_DYNSYM);
  ASSERT_NE(names, nullptr);
  uint64_t function = 0;
  std::string expected;
  for_each_symbol(*file, *names, [&](const ElfSymbol& symbol) {
    if (symbol.type == STT_FUNC && symbol.defined && function == 0) {
      function = symbol.address;
      expected = file->bytes().text(names_of(*file, *names)->offset + symbol.name, 64);
    }
    return true;
  });
  ASSERT_NE(function, 0U);
  UserSymbols symbols;
  const UserFrame& frame = symbols.find(self(), 0, start + function);
  EXPECT_EQ(frame.module, "[vdso]");
  EXPECT_THAT(expected, EndsWith(frame.symbol));  // "__vdso_time" has the name "time" as well
  EXPECT_FALSE(frame.symbol.empty());
}

TEST(UserSymbols, AnotherProcess) {
  const Child child("/bin/sleep");
  const auto [start, offset] = child.text_of("sleep");
  ASSERT_NE(start, 0U);
  UserSymbols symbols;
  UserFrame frame = symbols.find(child.pid(), start_of(child.pid()), start + 0x10);
  EXPECT_THAT(frame.module, HasSubstr("/sleep"));
  EXPECT_EQ(frame.offset, offset + 0x10);
  // The same pid, but started at another time.
  frame = symbols.find(child.pid(), start_of(child.pid()) + 5'000'000'000, start + 0x10);
  EXPECT_EQ(frame.module, "");
}

// Known while it lived, so known afterwards; never seen, so not known.
TEST(UserSymbols, AfterTheExit) {
  Child child("/bin/sleep");
  const uint64_t started = start_of(child.pid());
  const uint32_t pid = child.pid();
  const auto [start, offset] = child.text_of("sleep");
  UserSymbols symbols;
  EXPECT_THAT(symbols.find(pid, started, start).module, HasSubstr("/sleep"));
  child.end();
  EXPECT_THAT(symbols.find(pid, started, start).module, HasSubstr("/sleep"));
  symbols.forget(pid);
  EXPECT_EQ(symbols.find(pid, started, start).module, "");
}

// Of a deleted library the file is reached through the mapping.
TEST(UserSymbols, DeletedFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "following a mapping to its file takes root";
  const test::Loaded libm = test::loaded_at(::dlsym(::dlopen("libm.so.6", RTLD_NOW), "cbrt"));
  const std::string copy = ::testing::TempDir() + "trigon_deleted_library.so";
  std::filesystem::copy_file(libm.path, copy, std::filesystem::copy_options::overwrite_existing);
  void* library = ::dlopen(copy.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << ::dlerror();
  std::filesystem::remove(copy);
  void* place = ::dlsym(library, "cbrt");
  ASSERT_EQ(test::loaded_at(place).path, copy);
  UserSymbols symbols;
  const UserFrame& frame = symbols.find(self(), 0, test::to_address(place) + 1);
  EXPECT_EQ(frame.module, copy + " (deleted)");
  EXPECT_EQ(frame.symbol_offset, 1U);
  EXPECT_EQ(::dlsym(library, frame.symbol.c_str()), place) << frame.symbol;  // it has several names
  ::dlclose(library);
}

// Memory with code but without a file, and what its maker says of it.
class JustInTime : public ::testing::Test {
 protected:
  void SetUp() override {
    code_ = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(code_, MAP_FAILED);
    path_ = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
  }
  void TearDown() override {
    ::munmap(code_, 4096);
    ::unlink(path_.c_str());
  }
  void write_map(const std::string& name) const {
    std::ofstream file(path_, std::ios::app);
    file << std::hex << test::to_address(code_) << " 100 " << name << "\n";
  }
  void* code_ = nullptr;
  std::string path_;
};

TEST_F(JustInTime, PerfMap) {
  write_map("JIT:main");
  UserSymbols symbols;
  UserFrame frame = symbols.find(self(), 0, test::to_address(code_) + 0x20);
  EXPECT_EQ(frame.symbol, "JIT:main");
  EXPECT_EQ(frame.module, "");
  EXPECT_EQ(frame.offset, 0U);
  EXPECT_EQ(symbols.find(self(), 0, test::to_address(code_) + 0x100).symbol, "");
}

TEST_F(JustInTime, MapThatGrows) {
  UserSymbols::Limits limits;
  limits.fresh = 0ms;
  UserSymbols symbols("/proc", limits);
  EXPECT_EQ(symbols.find(self(), 0, test::to_address(code_)).symbol, "");
  write_map("later");
  EXPECT_EQ(symbols.find(self(), 0, test::to_address(code_)).symbol, "later");
}

TEST_F(JustInTime, MapOfSomebodyElseIsNotBelieved) {
  if (::geteuid() != 0) GTEST_SKIP() << "giving a file away takes root";
  write_map("forged");
  ASSERT_EQ(::chown(path_.c_str(), 65534, 65534), 0);
  UserSymbols symbols;
  EXPECT_EQ(symbols.find(self(), 0, test::to_address(code_)).symbol, "");
}

TEST_F(JustInTime, LinksAndPipesAreNotFollowed) {
  const std::string elsewhere = path_ + ".target";
  std::ofstream(elsewhere) << std::hex << test::to_address(code_) << " 100 linked\n";
  ASSERT_EQ(::symlink(elsewhere.c_str(), path_.c_str()), 0);
  UserSymbols first;
  EXPECT_EQ(first.find(self(), 0, test::to_address(code_)).symbol, "");
  ::unlink(elsewhere.c_str());
  ::unlink(path_.c_str());
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  UserSymbols second;
  EXPECT_EQ(second.find(self(), 0, test::to_address(code_)).symbol, "");  // and returns
}

TEST(UserSymbols, LimitsHold) {
  UserSymbols::Limits limits;
  limits.processes = 2;
  limits.files = 2;
  UserSymbols symbols("/proc", limits);
  const auto* place = reinterpret_cast<const char*>(&trigon_user_symbols_test_marker);
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 3; ++i) {
    children.push_back(std::make_unique<Child>("/bin/sleep"));
    for (const char* name : {"/sleep", "libc.so", "/ld-linux"}) {
      const uint64_t start = children.back()->text_of(name).first;
      if (start != 0) symbols.find(children.back()->pid(), 0, start + 8);
    }
  }
  EXPECT_LE(symbols.processes(), 2U);
  EXPECT_LE(symbols.files(), 2U);
  EXPECT_EQ(symbols.find(self(), 0, test::to_address(place)).symbol, "trigon_user_symbols_test_marker");
  EXPECT_GT(symbols.bytes(), 0U);
  symbols.tidy(UserSymbols::Clock::now() + 31s);
  EXPECT_EQ(symbols.processes(), 0U);
  EXPECT_EQ(symbols.files(), 0U);
  EXPECT_EQ(symbols.bytes(), 0U);
  EXPECT_EQ(symbols.find(self(), 0, test::to_address(place)).symbol, "trigon_user_symbols_test_marker");
}

// Another library at the address of the first: the answer is not that of the first.
TEST(UserSymbols, ReplacedMapping) {
  UserSymbols::Limits limits;
  limits.fresh = 0ms;
  UserSymbols symbols("/proc", limits);
  const std::string self_path = std::filesystem::read_symlink("/proc/self/exe").string();
  void* memory = nullptr;
  for (const std::string& path : {self_path, std::string("/bin/sleep"), self_path}) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    memory = ::mmap(memory, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | (memory ? MAP_FIXED : 0), file.get(), 0);
    ASSERT_NE(memory, MAP_FAILED);
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(std::filesystem::canonical(symbols.find(self(), 0, test::to_address(memory) + 8).module),
                std::filesystem::canonical(path));
  }
  ::munmap(memory, 4096);
}

TEST(UserSymbols, UnknownPlaces) {
  UserSymbols symbols;
  EXPECT_EQ(symbols.find(self(), 0, 0).module, "");
  EXPECT_EQ(symbols.find(self(), 0, std::numeric_limits<uint64_t>::max()).symbol, "");
  EXPECT_EQ(symbols.find(0x7fffffff, 0, 0x1000).module, "");  // no such process
  static int data = 0;
  EXPECT_EQ(symbols.find(self(), 0, test::to_address(&data)).module, "");  // not executable
}

TEST(Maps, Parses) {
  const auto mappings = parse_maps(
      "55d0c0a00000-55d0c0a1f000 r--p 00000000 08:01 131    /usr/bin/bash\n"
      "55d0c0a1f000-55d0c0b00000 r-xp 0001f000 08:01 131    /usr/bin/my program (deleted)\n"
      "7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
      "7f0000002000-7f0000003000 --xp 00000000 00:00 0\n"
      "7ffd0000-7ffd2000 r-xp 00000000 00:00 0   [vdso]\n"
      "bad\n"
      "7f-80 r-xp 0 08:01 5 /cut",
      100);
  ASSERT_EQ(mappings.size(), 4U);
  EXPECT_EQ(mappings[0].start, 0x55d0c0a1f000U);
  EXPECT_EQ(mappings[0].offset, 0x1f000U);
  EXPECT_EQ(mappings[0].inode, 131U);
  EXPECT_EQ(mappings[0].path, "/usr/bin/my program (deleted)");
  EXPECT_EQ(mappings[1].path, "");
  EXPECT_EQ(mappings[2].path, "");
  EXPECT_EQ(mappings[3].path, "[vdso]");
  EXPECT_EQ(parse_maps("1000-2000 r-xp 0 08:01 5 /a\n2000-3000 r-xp 0 08:01 5 /a\n", 1).size(), 1U);
}

}  // namespace
}  // namespace trigon::symbols
