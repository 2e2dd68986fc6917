// MountTypes: which mounted file systems may be read without waiting for somebody's mercy.
//
// The files that watched processes run are read in the event loop. A file system that a process serves (FUSE) answers
// when that process likes, or never, and then nothing can end the reader; one behind a network does so when the network
// fails. A user namespace lets anybody mount FUSE, and overlays on top of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace trigon::symbols {

enum class MountKind {
  kUnknown,  // not in the table
  kLocal,    // a disk, memory, or served by the machine below this one (9p, virtiofs)
  kStacked,  // overlay, ecryptfs: as good as what is below, which cannot be seen from here
  kServed    // by a process or over a network
};

class MountTypes {
 public:
  // Of the text of /proc/PID/mountinfo.
  static MountTypes parse(std::string_view mountinfo);
  static MountKind kind_of(std::string_view type);

  MountKind of_mount(uint64_t mount_id) const;
  MountKind of_device(dev_t device) const;
  // Some mount on the way to the path is served.
  bool crosses_served(std::string_view path) const;
  bool empty() const { return mounts_.empty(); }

 private:
  std::map<uint64_t, MountKind> mounts_;
  std::map<dev_t, MountKind> devices_;
  std::map<std::string, MountKind, std::less<>> points_;
};

}  // namespace trigon::symbols
