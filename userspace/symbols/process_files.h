// ProcessFiles: what /proc shows of one process's memory, and the files behind it, opened so that no process and no
// network can hold the reader up (MountTypes).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "symbols/byte_source.h"
#include "symbols/mount_types.h"

namespace trigon::symbols {

// An executable mapping.
struct Mapping {
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t offset = 0;  // in the file
  uint64_t inode = 0;   // 0: memory without a file
  uint64_t device = 0;  // dev_t
  std::string path;     // as the process sees it, with " (deleted)"; "[vdso]"; empty: memory without a name
};

// The executable lines of the text of /proc/PID/maps, the first `max` of them.
std::vector<Mapping> parse_maps(std::string_view text, size_t max);

class ProcessFiles {
 public:
  // kNotFound when it has exited, or when another process has its pid: `start_ns` (boot clock, 0: not known) is
  // compared with what /proc says, to the clock tick (10 ms). What is asked later is of the same process or fails.
  static Result<ProcessFiles> open(const std::string& procfs, uint32_t pid, uint64_t start_ns);

  // At most `max` mappings and 8 MiB of text: the kernel lets a process have 65,530 mappings with paths of 4 KiB.
  Result<std::vector<Mapping>> maps(size_t max) const;
  // The file behind a mapping, also when it has been deleted or replaced since.
  Result<FileBytes> open_mapping(const Mapping& mapping);
  // A file in the process's root directory, absolute path without symbolic links. `owner` is its owner.
  Result<FileBytes> open_path(const std::string& path, uint32_t* owner);
  // The pid in its own pid namespace.
  uint32_t namespace_pid() const;
  // Effective user as the process's directory in /proc has it.
  std::optional<uint32_t> user() const;

 private:
  ProcessFiles(Fd directory, std::string procfs, std::string name)
      : directory_(std::move(directory)), procfs_(std::move(procfs)), name_(std::move(name)) {}
  Result<std::string> read(const char* file, size_t max) const;
  Result<Fd> find(const std::string& path);
  // From O_PATH to readable, if its file system allows that.
  Result<FileBytes> reopen(Fd place, const std::string& path, uint64_t inode, uint32_t* owner);
  bool may_read(const Fd& place);
  bool is_trusted_namespace() const;
  void load_mounts();

  Fd directory_;
  std::string procfs_;
  std::string name_;  // "/proc/PID", for messages
  bool mounts_loaded_ = false;
  MountTypes mounts_;       // of the process
  MountTypes host_mounts_;  // of pid 1, which unprivileged users cannot add to
};

}  // namespace trigon::symbols
