// FileSink: lines to a file, a pipe or a terminal, buffered, without ever leaving half a line in a file.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "output/sink.h"

namespace trigon::output {

struct FileSinkOptions {
  std::string path;                // "-": standard output
  mode_t mode = 0600;              // of a file that is created (--export-file-perm)
  uint64_t max_size_mb = 0;        // 0: no rotation. The file is renamed to path.1, path.1 to path.2, …
  unsigned max_backups = 5;        // older ones are removed
  size_t buffer_size = 256 << 10;  // flushed when this much has gathered, and at the end of each batch
};

class FileSink : public Sink {
 public:
  // As write(2); tests replace it.
  using WriteFunction = std::function<ssize_t(int fd, const void* data, size_t size)>;

  static Result<std::unique_ptr<FileSink>> open(FileSinkOptions options);
  // Writes to a descriptor that somebody else opened; takes it over.
  static std::unique_ptr<FileSink> adopt(Fd fd, FileSinkOptions options = {}, WriteFunction write = {});

  ~FileSink() override;

  Buffer& buffer() override { return buffer_; }
  void commit() override;
  void flush() override;
  Result<void> reopen() override;
  bool broken() const override { return broken_; }
  SinkCounters counters() const override { return counters_; }

 private:
  FileSink(Fd fd, FileSinkOptions options, WriteFunction write);

  void inspect();
  // Returns how many bytes went out; all of them unless something failed.
  size_t write_all(const char* data, size_t size);
  size_t keep_rest(std::string_view text, size_t done);
  void drop_from(size_t written);
  bool finish_line();
  void rotate();

  FileSinkOptions options_;
  Fd fd_;
  WriteFunction write_;
  Buffer buffer_;         // whole lines, and at its end the one being written
  size_t lines_ = 0;      // in buffer_
  Buffer rest_;           // the end of a line whose beginning is at the destination already
  uint64_t missing_ = 0;  // dropped since the last note
  uint64_t file_size_ = 0;
  bool regular_ = false;
  bool broken_ = false;
  SinkCounters counters_;
};

}  // namespace trigon::output
