#include "symbols/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace trigon::symbols {

std::string ByteSource::text(uint64_t offset, size_t max) const {
  std::string text;
  char chunk[128];  // most names are shorter
  while (text.size() < max) {
    const size_t n = read_some(offset + text.size(), chunk, std::min(sizeof(chunk), max - text.size()));
    if (n == 0) break;
    const void* end = std::memchr(chunk, '\0', n);
    if (end != nullptr) {
      text.append(chunk, static_cast<size_t>(static_cast<const char*>(end) - chunk));
      break;
    }
    text.append(chunk, n);
  }
  return text;
}

Result<FileBytes> FileBytes::open(const std::string& path) {
  // O_NONBLOCK: a FIFO or device under that name must not hold us up before it is refused.
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return Error::from_errno("open " + path);
  return adopt(std::move(fd), path);
}

Result<FileBytes> FileBytes::adopt(Fd fd, const std::string& name) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return Error::from_errno("stat " + name);
  if (!S_ISREG(status.st_mode)) return Error(name + ": not a regular file");
  return FileBytes(std::move(fd), static_cast<uint64_t>(status.st_size));
}

size_t FileBytes::read_some(uint64_t offset, void* to, size_t n) const {
  size_t done = 0;
  while (done < n) {
    if (offset + done < offset || offset + done > INT64_MAX) break;
    const ssize_t got = ::pread(fd_.get(), static_cast<char*>(to) + done, n - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

size_t MemoryBytes::read_some(uint64_t offset, void* to, size_t n) const {
  if (offset >= bytes_.size()) return 0;
  n = std::min<uint64_t>(n, bytes_.size() - offset);
  if (n != 0) std::memcpy(to, bytes_.data() + offset, n);
  return n;
}

}  // namespace trigon::symbols
