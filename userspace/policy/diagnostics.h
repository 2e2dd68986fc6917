// What is wrong with a policy file, and where: `file:line:column: message`, the line, a caret.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trigon::policy {

// Counted from 1, columns in bytes. Line 0: the file as a whole.
struct Position {
  uint32_t line = 0;
  uint32_t column = 0;
};

// A policy file as it was read. Shared by the diagnostics and the policies that came from it.
struct Source {
  std::string name;  // path, or what the caller calls it
  std::string text;

  std::string_view line(uint32_t number) const;  // from 1; without its end; empty behind the last
};

struct Diagnostic {
  std::shared_ptr<const Source> source;
  Position position;
  std::string message;
};

// "policy.yaml:3:5: message", and when the line is known, the line and a caret under the column. No final newline.
std::string format(const Diagnostic& diagnostic);
// All of them, one after another, each with a final newline.
std::string format(const std::vector<Diagnostic>& diagnostics);

// Collects what one file has to say.
class Sink {
 public:
  explicit Sink(std::shared_ptr<const Source> source) : source_(std::move(source)) {}

  void error(Position position, std::string message);
  // Errors so far, those that are not kept included: "none since then" is how callers know that something is right.
  size_t count() const { return count_; }
  const std::shared_ptr<const Source>& source() const { return source_; }
  std::vector<Diagnostic> take() &&;  // ordered by position

 private:
  std::shared_ptr<const Source> source_;
  std::vector<Diagnostic> diagnostics_;
  size_t count_ = 0;
};

}  // namespace trigon::policy
