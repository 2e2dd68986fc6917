// LogCapture: libbpf's own words, of the calling thread, while the object lives. They go into the error that is
// returned and not to stderr; a verifier's log is long, so that its end is kept, which says what was refused.
#pragma once

#include <string>

#include "base/result.h"

namespace trigon::bpf {

class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string* outer_;
};

// Why loading `what` failed with errno `err`, for the reader.
Error load_error(int err, const std::string& what, const std::string& log);

}  // namespace trigon::bpf
