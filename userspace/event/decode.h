// decode(): the bytes of one ring record as a typed view. Nothing is copied and nothing is allocated: the views point
// into the record, which must outlive them. Every span is checked once, here; what decode() accepts can be read without
// further checks. Pure: no I/O, no clock, no state. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
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

// The bytes behind TRIGON_REC_HOOK that came before it; see hook_data.h.
struct HookData {
  const trigon_hook_data* record = nullptr;
  std::string_view data;
};

struct Loader {
  const trigon_loader* record = nullptr;
  std::string_view path;      // forward
  std::string_view build_id;  // empty: could not be read
};

// record->fields entries of record->field[] and record->matches of record->match[] may be read, no more: the record may
// end behind the last field in use.
struct Hook {
  const trigon_hook_event* record = nullptr;
  // Fields that are longer than what the record holds, put together (hook_data.h): those whose bit is set in
  // whole_mask.
  const std::string_view* whole = nullptr;
  uint32_t whole_mask = 0;

  bool is_whole(uint32_t field) const { return (whole_mask >> field & 1) != 0; }
  std::string_view data(uint32_t field) const {
    return is_whole(field) ? whole[field] : view(record->field[field].data);
  }
  // Else nothing is known of its value, whatever it holds.
  bool is_readable(uint32_t field) const {
    const trigon_field& f = record->field[field];
    return (f.flags & TRIGON_FIELD_UNREADABLE) == 0 && ((f.path_flags & TRIGON_PATH_ERROR) == 0 || f.data.len != 0);
  }
  // The structure that is the field's data (event::structure_size of its type, which must be sizeof(T)), as a copy:
  // spans have no alignment. False: it is not there.
  template <typename T>
  bool structure(uint32_t field, T* out) const {
    const std::string_view bytes = view(record->field[field].data);
    if (bytes.size() < sizeof(T)) return false;
    std::memcpy(out, bytes.data(), sizeof(T));
    return true;
  }
  // Addresses, innermost first, eight bytes each, not aligned.
  std::string_view kernel_stack() const { return view(record->kernel_stack); }
  std::string_view user_stack() const { return view(record->user_stack); }
  // First byte: enum hash_algo of the kernel; the digest.
  std::string_view ima() const { return view(record->ima); }

 private:
  std::string_view view(const trigon_span& span) const {
    return {reinterpret_cast<const char*>(record) + span.off, span.len};
  }
};

using Event = std::variant<std::monostate, Exec, ExecData, Fork, Exit, Cgroup, Hook, HookData, Loader>;

// Bytes of the structure that is the data of fields of this type (enum trigon_arg_type); 0: its data is no structure.
size_t structure_size(uint8_t type);

enum class DecodeError : uint8_t {
  kNone,
  kShort,      // fewer bytes than the fixed part
  kUnaligned,  // not on 8 bytes, as the ring guarantees
  kSize,       // rec.size is less than the fixed part or more than the bytes given
  kKind,       // not a kind that is known
  kAbi,        // written by another version
  kSpan,       // a span leaves the record
  kCount,      // more fields or matches than the record has room for
  kField,      // a field's data is shorter than the structure that its type says it is
  kStack,      // a stack trace that is no list of addresses, or is longer than TRIGON_MAX_STACK
};

// Words for a log line: "span outside the record".
std::string_view describe(DecodeError error);

// Fills `out` and returns kNone, or leaves std::monostate in it.
DecodeError decode(const void* bytes, size_t size, Event* out);

}  // namespace trigon::event
