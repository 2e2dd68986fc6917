#include "output/file_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace trigon::output {
namespace {

constexpr uint64_t kMegabyte = 1'000'000;  // as Tetragon's rotation counts it

Result<Fd> open_file(const FileSinkOptions& options) {
  if (options.path == "-") {
    Fd fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!fd) return Error::from_errno("standard output");
    return fd;
  }
  // The mode asked for is the mode given: fchmod() because of the umask, and only on what we created.
  Fd fd(::open(options.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, options.mode));
  if (fd) {
    ::fchmod(fd.get(), options.mode);
  } else if (errno == EEXIST) {
    fd.reset(::open(options.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, options.mode));
  }
  if (!fd) return Error::from_errno("open " + options.path);
  return fd;
}

size_t count_lines(std::string_view text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

}  // namespace

Result<std::unique_ptr<FileSink>> FileSink::open(FileSinkOptions options) {
  TRIGON_TRY(Fd fd, open_file(options));
  return std::unique_ptr<FileSink>(new FileSink(std::move(fd), std::move(options), ::write));
}

std::unique_ptr<FileSink> FileSink::adopt(Fd fd, FileSinkOptions options, WriteFunction write) {
  if (!write) write = ::write;
  return std::unique_ptr<FileSink>(new FileSink(std::move(fd), std::move(options), std::move(write)));
}

FileSink::FileSink(Fd fd, FileSinkOptions options, WriteFunction write)
    : options_(std::move(options)), fd_(std::move(fd)), write_(std::move(write)) {
  inspect();
}

FileSink::~FileSink() { flush(); }

void FileSink::inspect() {
  struct stat st {};
  regular_ = fd_ && ::fstat(fd_.get(), &st) == 0 && S_ISREG(st.st_mode);
  file_size_ = regular_ ? static_cast<uint64_t>(st.st_size) : 0;
}

void FileSink::commit() {
  ++lines_;
  if (buffer_.size() >= options_.buffer_size) flush();
}

size_t FileSink::write_all(const char* data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = write_(fd_.get(), data + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      ++counters_.errors;
      if (n < 0 && errno == EPIPE) broken_ = true;
      break;
    }
    done += static_cast<size_t>(n);
  }
  file_size_ += done;
  return done;
}

// The destination holds the first part of a line: the rest of it must be the next thing that goes there.
bool FileSink::finish_line() {
  if (rest_.empty()) return true;
  const size_t done = write_all(rest_.data(), rest_.size());
  rest_.remove_front(done);
  counters_.bytes += done;
  if (!rest_.empty()) return false;
  ++counters_.events;
  return true;
}

void FileSink::flush() {
  if (lines_ == 0 && (missing_ == 0 || broken_)) return;
  if (!fd_ || !finish_line()) {
    drop_from(0);
    return;
  }
  if (missing_ != 0 && note_) {
    Buffer note;
    note_(missing_, &note);
    const size_t done = write_all(note.data(), note.size());
    if (done < note.size()) {
      keep_rest(note.view(), done);
      if (done != 0 && !rest_.empty()) missing_ = 0;  // it will be there once its rest has gone out
      drop_from(0);
      return;
    }
    missing_ = 0;
  }
  const size_t done = write_all(buffer_.data(), buffer_.size());
  if (done < buffer_.size()) {
    drop_from(done);
    return;
  }
  counters_.events += lines_;
  counters_.bytes += done;
  buffer_.clear();
  lines_ = 0;
  if (options_.max_size_mb != 0 && regular_ && file_size_ >= options_.max_size_mb * kMegabyte) rotate();
}

// `text` went out up to `done`, in the middle of a line perhaps. A file is cut back to whole lines; what cannot be cut
// gets the rest of its line later. Returns how many bytes of `text` are to be counted as whole lines.
size_t FileSink::keep_rest(std::string_view text, size_t done) {
  const std::string_view out = text.substr(0, done);
  const size_t whole = out.rfind('\n') == std::string_view::npos ? 0 : out.rfind('\n') + 1;
  if (whole == done) return whole;
  const size_t partial = done - whole;
  if (regular_) {
    // Only when ours is the end of the file: somebody else may append to it too.
    const off_t at = ::lseek(fd_.get(), 0, SEEK_CUR);
    struct stat st {};
    if (at >= static_cast<off_t>(partial) && ::fstat(fd_.get(), &st) == 0 && st.st_size == at &&
        ::ftruncate(fd_.get(), at - static_cast<off_t>(partial)) == 0) {
      ::lseek(fd_.get(), at - static_cast<off_t>(partial), SEEK_SET);
      file_size_ -= partial;
      return whole;
    }
  }
  const size_t end = text.find('\n', done);
  rest_.append(text.substr(done, end == std::string_view::npos ? end : end - done + 1));
  counters_.bytes += partial;
  return whole;
}

void FileSink::drop_from(size_t written) {
  const std::string_view text = buffer_.view();
  const size_t whole = written != 0 ? keep_rest(text, written) : 0;
  const size_t kept = count_lines(text.substr(0, whole));
  const size_t saved = written > whole && !rest_.empty() ? 1 : 0;  // its rest will follow
  counters_.events += kept;
  counters_.bytes += whole;
  const uint64_t dropped = lines_ - std::min(lines_, kept + saved);
  counters_.dropped += dropped;
  missing_ += dropped;
  buffer_.clear();
  lines_ = 0;
}

Result<void> FileSink::reopen() {
  flush();
  if (options_.path.empty() || options_.path == "-") return {};
  auto fd = open_file(options_);
  if (!fd.ok()) {
    ++counters_.errors;
    return std::move(fd).error();  // the old one is still good
  }
  fd_ = std::move(fd).value();
  rest_.clear();  // belongs to the old one
  inspect();
  return {};
}

void FileSink::rotate() {
  const auto name = [&](unsigned number) { return options_.path + "." + std::to_string(number); };
  if (options_.path.empty() || options_.path == "-") return;
  if (options_.max_backups == 0) {
    if (::unlink(options_.path.c_str()) != 0) ++counters_.errors;
  } else {
    for (unsigned i = options_.max_backups; i > 1; --i) std::rename(name(i - 1).c_str(), name(i).c_str());
    if (std::rename(options_.path.c_str(), name(1).c_str()) != 0) ++counters_.errors;
  }
  if (auto result = reopen(); !result.ok()) file_size_ = 0;  // not for each batch again
}

}  // namespace trigon::output
