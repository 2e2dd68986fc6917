// UserSymbols: what an address in a process is: which file, where in it, which function.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "symbols/elf_file.h"
#include "symbols/perf_map.h"
#include "symbols/process_files.h"
#include "symbols/symbol_table.h"

namespace trigon::symbols {

// What is not known is empty or 0.
struct UserFrame {
  std::string module;   // path as the process sees it; "[vdso]"
  uint64_t offset = 0;  // in the module
  std::string symbol;
  uint64_t symbol_offset = 0;  // of the address in the function
};

// Caches what it reads, within limits. Single-threaded; blocks for reads of /proc and of local files, never for a file
// system that somebody serves (ProcessFiles). A process that has exited before it was first asked about has no frames.
class UserSymbols {
 public:
  using Clock = std::chrono::steady_clock;
  struct Limits {
    size_t processes = 64;
    size_t mappings = 4096;            // executable ones of one process
    size_t files = 128;                // each is kept open
    size_t memory = size_t{16} << 20;  // of all symbol tables and perf maps
    // Files are not kept open longer, so that a container that has gone can be unmounted.
    std::chrono::seconds keep_unused{30};
    // Mappings older than this are read again: processes load libraries and execute other programs.
    std::chrono::milliseconds fresh{1000};
    // An address that is in no known mapping makes them be read again, but not more often than this.
    std::chrono::milliseconds retry{50};
  };

  UserSymbols() : UserSymbols("/proc", Limits()) {}
  UserSymbols(std::string procfs, Limits limits) : procfs_(std::move(procfs)), limits_(limits) {}

  // start_ns: when the process started (boot clock), 0: not known. Valid until the next call.
  const UserFrame& find(uint32_t pid, uint64_t start_ns, uint64_t address);

  // The process has executed another program or exited.
  void forget(uint32_t pid);
  // Closes what has not been used for a while; call it now and then.
  void tidy(Clock::time_point now = Clock::now());

  size_t processes() const { return processes_.size(); }
  size_t files() const { return files_.size(); }
  // Memory of the tables.
  size_t bytes() const { return memory_; }

 private:
  // Of a file as it was read.
  struct FileKey {
    uint64_t device = 0, inode = 0, size = 0, modified_ns = 0;
    auto operator<=>(const FileKey&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 misreads it
  };
  struct File {
    FileKey key;
    std::vector<Segment> segments;
    SymbolTable table;
    Clock::time_point used;
    size_t memory = 0;
  };
  // A file in a process.
  struct Module {
    std::string path;
    uint64_t device = 0, inode = 0;
    bool failed = false;             // to be opened
    std::weak_ptr<const File> file;  // held by files_
    bool is_same(const Module& other) const {
      return inode == other.inode && device == other.device && path == other.path;
    }
  };
  struct Place {
    uint64_t start, end, offset;
    uint32_t module;  // in Process::modules
    bool operator==(const Place&) const = default;
  };
  struct Process {
    uint32_t pid = 0;
    uint64_t start_ns = 0;
    uint64_t generation = 0;  // of its mappings, over all processes
    Clock::time_point read, used;
    std::vector<Place> places;  // by address
    std::vector<Module> modules;
    // What a just-in-time compiler says.
    PerfMap perf_map;
    uint64_t perf_size = 0;
    Clock::time_point perf_read;
  };

  // An answer: stacks repeat themselves, and names are read from files.
  struct Answer {
    uint64_t generation = 0;  // Process::generation, 0: no answer
    uint64_t address = 0;
    UserFrame frame;
  };
  static constexpr size_t kAnswers = 1024;

  Answer& answer_at(uint64_t generation, uint64_t address);
  void resolve(Process* process, const Place& place, uint64_t address, Clock::time_point now);
  Process* process(uint32_t pid, uint64_t start_ns, Clock::time_point now);
  void read_maps(Process* process, Clock::time_point now);
  const Place* place_of(const Process& process, uint64_t address) const;
  std::shared_ptr<const File> file_of(Process* process, const Place& place);
  const SymbolTable& vdso();
  void from_perf_map(Process* process, uint64_t address, Clock::time_point now);
  void make_room();
  void drop_process(std::list<Process>::iterator position);

  std::string procfs_;
  Limits limits_;
  UserFrame frame_;
  uint64_t generations_ = 0;
  std::vector<Answer> answers_;   // kAnswers when there are any
  std::list<Process> processes_;  // last used first
  std::unordered_map<uint32_t, std::list<Process>::iterator> by_pid_;
  std::list<std::shared_ptr<File>> files_;  // last used first
  std::map<FileKey, std::list<std::shared_ptr<File>>::iterator> by_key_;
  size_t memory_ = 0;
  bool vdso_tried_ = false;
  SymbolTable vdso_;
  std::vector<Segment> vdso_segments_;
  uint64_t vdso_size_ = 0;
};

}  // namespace trigon::symbols
