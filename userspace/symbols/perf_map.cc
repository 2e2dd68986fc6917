#include "symbols/perf_map.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace trigon::symbols {
namespace {

constexpr size_t kChunk = size_t{64} * 1024;

// "START SIZE NAME"; the name may have blanks.
bool parse_line(std::string_view line, uint64_t* start, uint64_t* size, std::string_view* name) {
  for (uint64_t* value : {start, size}) {
    if (line.starts_with("0x")) line.remove_prefix(2);
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), *value, 16);
    const auto used = static_cast<size_t>(end - line.data());
    if (error != std::errc() || used >= line.size() || line[used] != ' ') return false;
    line.remove_prefix(used + 1);
  }
  *name = line;
  return !line.empty() && *size != 0;
}

}  // namespace

PerfMap PerfMap::parse(const ByteSource& bytes) {
  PerfMap map;
  const auto take = [&](std::string_view line) {
    uint64_t start = 0, size = 0;
    std::string_view name;
    if (map.entries_.size() >= kMaxFunctions || !parse_line(line, &start, &size, &name)) return;
    map.entries_.push_back({start,
                            static_cast<uint32_t>(std::min<uint64_t>(size, std::numeric_limits<uint32_t>::max())),
                            static_cast<uint32_t>(map.names_.size())});
    map.names_.append(name.substr(0, kMaxName)).push_back('\0');
  };
  std::string buffer;
  std::string chunk(kChunk, '\0');
  for (uint64_t at = 0; at < kMaxBytes;) {
    const size_t n = bytes.read_some(at, chunk.data(), chunk.size());
    if (n == 0) break;
    at += n;
    buffer.append(chunk, 0, n);
    std::string_view rest(buffer);
    for (size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      take(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    // What is left is the beginning of a line that the next chunk ends; a whole chunk without an end is no line.
    buffer = rest.size() >= kChunk ? std::string() : std::string(rest);
  }
  std::stable_sort(map.entries_.begin(), map.entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.start < b.start; });
  map.entries_.shrink_to_fit();
  map.names_.shrink_to_fit();
  return map;
}

std::optional<std::string_view> PerfMap::find(uint64_t address) const {
  const auto after = std::upper_bound(entries_.begin(), entries_.end(), address,
                                      [](uint64_t wanted, const Entry& entry) { return wanted < entry.start; });
  if (after == entries_.begin()) return std::nullopt;
  const Entry& entry = *std::prev(after);
  if (address - entry.start >= entry.size) return std::nullopt;
  return std::string_view(names_.c_str() + entry.name);
}

}  // namespace trigon::symbols
