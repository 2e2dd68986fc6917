// The small writers that everything else is made of: numbers, base64, time, escaped strings. No locale, no allocation
// but the Buffer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "output/buffer.h"

namespace trigon::output {

constexpr size_t kMaxDigits = 20;  // of a 64-bit number; a sign comes on top

// Writes decimal digits at `to` and returns the end. Room for kMaxDigits.
char* write_uint(char* to, uint64_t value);

void put_uint(uint64_t value, Buffer* out);
void put_int(int64_t value, Buffer* out);
void put_hex(uint64_t value, Buffer* out);    // no prefix, no leading zeros
void put_hex16(uint64_t value, Buffer* out);  // sixteen digits
void put_octal(uint64_t value, Buffer* out);  // likewise
// The name, or the number when it has none.
inline void put_name(std::string_view name, uint64_t number, Buffer* out) {
  if (name.empty()) {
    put_uint(number, out);
  } else {
    out->append(name);
  }
}
void put_base64(std::string_view bytes, Buffer* out);

// The inside of a JSON string: quotes and backslashes escaped, control characters (C0, DEL, C1) as \uXXXX or their
// short form, bytes that are not UTF-8 as U+FFFD, one for each.
void put_escaped(std::string_view text, Buffer* out);
// With quotes around.
inline void put_string(std::string_view text, Buffer* out) {
  out->append('"');
  put_escaped(text, out);
  out->append('"');
}

// For terminals: as it is when harmless, else in double quotes with \n, \t, \", \\, \xNN and \uNNNN. Empty: "".
void put_printable(std::string_view text, Buffer* out);

// RFC 3339, UTC. The text of a second is kept: most events share it with the one before.
class TimeText {
 public:
  // With no, three, six or nine fractional digits, whatever is exact.
  void put(uint64_t wall_ns, Buffer* out);
  // With nine always, so that lines align.
  void put_fixed(uint64_t wall_ns, Buffer* out);

 private:
  static constexpr size_t kSecondChars = 19;
  void put_second(uint64_t second, Buffer* out);

  uint64_t second_ = ~uint64_t{0};
  char text_[kSecondChars] = {};
};

// The elements of an argument vector or environment, a NUL after each (the last may lack it). Calls each(view).
template <typename Each>
void for_each_string(std::string_view vector, Each each) {
  while (!vector.empty()) {
    const size_t nul = vector.find('\0');
    each(vector.substr(0, nul));
    if (nul == std::string_view::npos) return;
    vector.remove_prefix(nul + 1);
  }
}

// One line of an argument vector without argv[0]: a space between, double quotes around an argument that is empty or
// contains white space. put(piece) receives the pieces.
template <typename Put>
void join_arguments(std::string_view args, Put put) {
  bool is_first = true;
  bool needs_space = false;
  for_each_string(args, [&](std::string_view arg) {
    if (is_first) {
      is_first = false;
      return;
    }
    if (needs_space) put(std::string_view(" "));
    needs_space = true;
    const bool quoted = arg.empty() || arg.find_first_of(" \t\n\v\f\r") != std::string_view::npos;
    if (quoted) put(std::string_view("\""));
    put(arg);
    if (quoted) put(std::string_view("\""));
  });
}

}  // namespace trigon::output
