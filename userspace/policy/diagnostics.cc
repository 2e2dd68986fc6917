#include "policy/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>

namespace trigon::policy {
namespace {

// A file of garbage should not scroll its first error away.
constexpr size_t kMaxDiagnostics = 50;
// Position of the note that there were more, until they are ordered.
constexpr Position kLast{UINT32_MAX, 0};
// A line of a minified file is shown from here to there around the caret.
constexpr size_t kMaxExcerpt = 160;

// What a terminal may be shown: control characters of a hostile file become '?', tabs one blank (the caret counts
// bytes).
std::string printable(std::string_view line) {
  std::string out(line);
  for (char& c : out) {
    if (c == '\t') c = ' ';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

}  // namespace

std::string_view Source::line(uint32_t number) const {
  std::string_view rest = text;
  for (uint32_t i = 1; i < number; ++i) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return rest;
}

std::string format(const Diagnostic& diagnostic) {
  const std::string name = diagnostic.source ? diagnostic.source->name : std::string("policy");
  const std::string message = printable(diagnostic.message);  // it may quote the file
  if (diagnostic.position.line == 0) return fmt::format("{}: {}", name, message);
  const auto [line, column] = diagnostic.position;
  std::string out = fmt::format("{}:{}:{}: {}", name, line, column, message);
  if (!diagnostic.source) return out;
  std::string_view excerpt = diagnostic.source->line(line);
  size_t caret = column > 0 ? column - 1 : 0;
  if (excerpt.size() > kMaxExcerpt) {
    const size_t from = caret > kMaxExcerpt / 2 ? caret - kMaxExcerpt / 2 : 0;
    excerpt = excerpt.substr(std::min(from, excerpt.size()), kMaxExcerpt);
    caret -= from;
  }
  out += fmt::format("\n{:>5} | {}\n      | {:>{}}", line, printable(excerpt), '^', caret + 1);
  return out;
}

std::string format(const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) out += format(diagnostic) + "\n";
  return out;
}

void Sink::error(Position position, std::string message) {
  ++count_;
  if (diagnostics_.size() > kMaxDiagnostics) return;
  if (diagnostics_.size() == kMaxDiagnostics) {
    position = kLast;
    message = "too many errors, the rest is not shown";
  }
  diagnostics_.push_back({source_, position, std::move(message)});
}

std::vector<Diagnostic> Sink::take() && {
  // Kept last by a position behind every other.
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::pair(a.position.line, a.position.column) < std::pair(b.position.line, b.position.column);
  });
  for (Diagnostic& diagnostic : diagnostics_) {
    if (diagnostic.position.line == kLast.line) diagnostic.position = {};
  }
  return std::move(diagnostics_);
}

}  // namespace trigon::policy
