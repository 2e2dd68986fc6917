// decode(): the bytes of one ring record as a typed view. Nothing is copied and nothing is allocated: the views point
// into the record, which must outlive them. Every span is checked once, here; what decode() accepts can be read without
// further checks. Pure: no I/O, no clock, no state. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "bpf/abi/policy.h"
#include "bpf/abi/record.h"

namespace trigon::event {

// TRIGON_REC_EXEC and TRIGON_REC_SNAPSHOT (record->rec.kind says which).
struct Exec {
  const trigon_exec* record = nullptr;
  std::string_view exe;  // reversed components, see path.h
  std::string_view cwd;  // reversed components
  std::string_view filename;
  std::string_view interp;
  std::string_view args;  // NUL after each; empty when they are in an ExecData before
  std::string_view env;
};

struct ExecData {
  const trigon_exec_data* record = nullptr;
  std::string_view data;
};

struct Fork {
  const trigon_fork* record = nullptr;
};

struct Exit {
  const trigon_exit* record = nullptr;
};

struct Cgroup {
  const trigon_cgroup_event* record = nullptr;
  std::string_view path;
};

// record->fields entries of record->field[] and record->matches of record->match[] may be read, no more: the record may
// end behind the last field in use.
struct Hook {
  const trigon_hook_event* record = nullptr;

  std::string_view data(const trigon_field& field) const {
    return {reinterpret_cast<const char*>(record) + field.data.off, field.data.len};
  }
};

using Event = std::variant<std::monostate, Exec, ExecData, Fork, Exit, Cgroup, Hook>;

enum class DecodeError : uint8_t {
  kNone,
  kShort,      // fewer bytes than the fixed part
  kUnaligned,  // not on 8 bytes, as the ring guarantees
  kSize,       // rec.size is less than the fixed part or more than the bytes given
  kKind,       // not a kind that is known
  kAbi,        // written by another version
  kSpan,       // a span leaves the record
  kCount,      // more fields or matches than the record has room for
};

// Words for a log line: "span outside the record".
std::string_view describe(DecodeError error);

// Fills `out` and returns kNone, or leaves std::monostate in it.
DecodeError decode(const void* bytes, size_t size, Event* out);

}  // namespace trigon::event
