// PerfMap: what a just-in-time compiler says of the code it makes, in /tmp/perf-PID.map: lines of "START SIZE NAME",
// the numbers in hexadecimal (tools/perf/Documentation/jit-interface.txt of the kernel).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "symbols/byte_source.h"

namespace trigon::symbols {

// Immutable; any thread.
class PerfMap {
 public:
  // The rest of a larger file is not read: a Java server of some size writes 5 MiB.
  static constexpr uint64_t kMaxBytes = uint64_t{16} << 20;
  static constexpr size_t kMaxFunctions = 200'000;
  static constexpr size_t kMaxName = 256;

  PerfMap() = default;
  static PerfMap parse(const ByteSource& bytes);

  // Compilers append when they compile a function again: of several lines for one place the last.
  std::optional<std::string_view> find(uint64_t address) const;
  size_t size() const { return entries_.size(); }
  size_t bytes() const { return entries_.size() * sizeof(Entry) + names_.size(); }

 private:
  struct Entry {
    uint64_t start;
    uint32_t size;
    uint32_t name;  // offset in names_
  };
  std::vector<Entry> entries_;  // by start
  std::string names_;           // each with a NUL behind it
};

}  // namespace trigon::symbols
