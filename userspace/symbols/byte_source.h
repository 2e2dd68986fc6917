// ByteSource: bytes at offsets, of a file or of memory. ELF files belong to whoever is being watched, so they are never
// mapped (a file that is cut short under a mapping kills the reader) and never read as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace trigon::symbols {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Of a file: when it was opened; it may have changed.
  virtual uint64_t size() const = 0;
  // How many of the n bytes at `offset` there are; fewer only at the end or after an error.
  virtual size_t read_some(uint64_t offset, void* to, size_t n) const = 0;

  bool read(uint64_t offset, void* to, size_t n) const { return read_some(offset, to, n) == n; }
  // The text up to the next NUL, at most `max` bytes; empty when there is nothing to read.
  std::string text(uint64_t offset, size_t max) const;
};

class FileBytes : public ByteSource {
 public:
  // Regular files only: others may block. kNotFound, kPermission, kFailed.
  static Result<FileBytes> open(const std::string& path);
  static Result<FileBytes> adopt(Fd fd, const std::string& name);
  uint64_t size() const override { return size_; }
  size_t read_some(uint64_t offset, void* to, size_t n) const override;
  int fd() const { return fd_.get(); }

 private:
  FileBytes(Fd fd, uint64_t size) : fd_(std::move(fd)), size_(size) {}
  Fd fd_;
  uint64_t size_;
};

// Does not own the memory.
class MemoryBytes : public ByteSource {
 public:
  explicit MemoryBytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  size_t read_some(uint64_t offset, void* to, size_t n) const override;

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace trigon::symbols
