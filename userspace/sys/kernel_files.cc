// How Kernel reads: small files, gzip, file systems that are not mounted.
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <memory>

#include "sys/kernel.h"

namespace trigon::sys {

Fd open_filesystem(const char* type) {
  const Fd context(static_cast<int>(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)));
  if (!context) return {};
  if (syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return {};
  return Fd(static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
}

Result<std::string> read_small_file(const std::string& path, int dir) {
  const Fd file(openat(dir >= 0 ? dir : AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Error::from_errno("open " + path);
  std::string text;
  std::array<char, 16384> chunk;
  for (;;) {
    const ssize_t n = read(file.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno("read " + path);
    if (n == 0) return text;
    text.append(chunk.data(), static_cast<size_t>(n));
  }
}

Result<std::string> read_gzip_file(const std::string& path) {
  Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Error::from_errno("open " + path);
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> stream(gzdopen(file.get(), "rb"), gzclose);
  if (!stream) return Error("unpack " + path + ": no memory");
  file.release();  // the stream closes it
  std::string text;
  std::array<char, 16384> chunk;
  int n = 0;
  while ((n = gzread(stream.get(), chunk.data(), chunk.size())) > 0) text.append(chunk.data(), static_cast<size_t>(n));
  if (n < 0) return Error("unpack " + path + ": the file is damaged");
  return text;
}

}  // namespace trigon::sys
