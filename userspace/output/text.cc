#include "output/text.h"

#include <bit>
#include <cstring>
#include <ctime>

namespace trigon::output {
namespace {

struct DigitPairs {
  char text[200];
  constexpr DigitPairs() : text() {
    for (int i = 0; i < 100; ++i) {
      text[2 * i] = static_cast<char>('0' + i / 10);
      text[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
  }
};
constexpr DigitPairs kPairs;
constexpr char kHex[] = "0123456789abcdef";

constexpr uint64_t repeat(uint8_t byte) { return 0x0101010101010101u * byte; }

// Not 0 when one of eight bytes needs a closer look: below 0x20, '"', '\\', 0x7f and above.
uint64_t special_bytes(uint64_t word) {
  const uint64_t high = repeat(0x80);
  const uint64_t quote = word ^ repeat('"');
  const uint64_t backslash = word ^ repeat('\\');
  const uint64_t del = word ^ repeat(0x7f);
  return (((word - repeat(0x20)) | (quote - repeat(1)) | (backslash - repeat(1)) | (del - repeat(1)) | word) & high);
}

// Length of the UTF-8 sequence at the front, 0 when it is not one (RFC 3629: no overlong forms, no surrogates, nothing
// above U+10FFFF).
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return continues(1) ? 2 : 0;
  if (lead < 0xf0) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xe0 && byte(1) < 0xa0) return 0;
    if (lead == 0xed && byte(1) >= 0xa0) return 0;
    return 3;
  }
  if (lead > 0xf4 || !continues(1) || !continues(2) || !continues(3)) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) >= 0x90) return 0;
  return 4;
}

char* write_u_escape(char* to, unsigned value) {
  *to++ = '\\';
  *to++ = 'u';
  for (int shift = 12; shift >= 0; shift -= 4) *to++ = kHex[(value >> shift) & 0xf];
  return to;
}

// One character that special_bytes() pointed at (or one beside it). Returns how many bytes of text it took.
size_t write_escaped_char(std::string_view text, char** to) {
  const auto c = static_cast<unsigned char>(text[0]);
  char* at = *to;
  size_t taken = 1;
  if (c >= 0x80) {
    taken = utf8_length(text);
    if (taken == 0) {
      std::memcpy(at, "\xef\xbf\xbd", 3);
      at += 3;
      taken = 1;
    } else if (taken == 2 && c == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) {
      at = write_u_escape(at, static_cast<unsigned char>(text[1]));
    } else {
      std::memcpy(at, text.data(), taken);
      at += taken;
    }
  } else if (c == '"' || c == '\\') {
    *at++ = '\\';
    *at++ = static_cast<char>(c);
  } else if (c >= 0x20 && c != 0x7f) {
    *at++ = static_cast<char>(c);
  } else {
    const char* const short_form = std::strchr("\bb\tt\nn\ff\rr", c);
    if (c != 0 && short_form != nullptr) {
      *at++ = '\\';
      *at++ = short_form[1];
    } else {
      at = write_u_escape(at, c);
    }
  }
  *to = at;
  return taken;
}

}  // namespace

namespace {

unsigned count_digits(uint64_t value) {
  // 1233/4096 is log10(2): right, or one too many, which the table tells.
  static constexpr uint64_t kPowers[] = {0,
                                         10,
                                         100,
                                         1000,
                                         10000,
                                         100000,
                                         1000000,
                                         10000000,
                                         100000000,
                                         1000000000,
                                         10000000000,
                                         100000000000,
                                         1000000000000,
                                         10000000000000,
                                         100000000000000,
                                         1000000000000000,
                                         10000000000000000,
                                         100000000000000000,
                                         1000000000000000000,
                                         10000000000000000000u};
  const unsigned bits = 64 - static_cast<unsigned>(std::countl_zero(value | 1));
  const unsigned guess = bits * 1233 >> 12;
  return guess + 1 - (value < kPowers[guess]);
}

}  // namespace

char* write_uint(char* to, uint64_t value) {
  if (value < 10) {
    *to = static_cast<char>('0' + value);
    return to + 1;
  }
  char* const end = to + count_digits(value);
  char* at = end;
  while (value >= 100) {
    const uint64_t rest = value / 100;
    at -= 2;
    std::memcpy(at, kPairs.text + 2 * (value - rest * 100), 2);
    value = rest;
  }
  if (value >= 10) {
    std::memcpy(at - 2, kPairs.text + 2 * value, 2);
  } else {
    at[-1] = static_cast<char>('0' + value);
  }
  return end;
}

void put_uint(uint64_t value, Buffer* out) { out->advance_to(write_uint(out->reserve(kMaxDigits), value)); }

void put_int(int64_t value, Buffer* out) {
  char* to = out->reserve(kMaxDigits + 1);
  uint64_t magnitude = static_cast<uint64_t>(value);
  if (value < 0) {
    *to++ = '-';
    magnitude = 0 - magnitude;
  }
  out->advance_to(write_uint(to, magnitude));
}

void put_hex(uint64_t value, Buffer* out) {
  char digits[16];
  char* at = digits + sizeof(digits);
  do {
    *--at = kHex[value & 0xf];
    value >>= 4;
  } while (value != 0);
  out->append({at, static_cast<size_t>(digits + sizeof(digits) - at)});
}

void put_hex16(uint64_t value, Buffer* out) {
  char* const to = out->reserve(16);
  for (int i = 0; i < 16; ++i) to[i] = kHex[value >> (60 - 4 * i) & 0xf];
  out->advance(16);
}

void put_octal(uint64_t value, Buffer* out) {
  char digits[22];
  char* at = digits + sizeof(digits);
  do {
    *--at = static_cast<char>('0' + (value & 7));
    value >>= 3;
  } while (value != 0);
  out->append({at, static_cast<size_t>(digits + sizeof(digits) - at)});
}

void put_base64(std::string_view bytes, Buffer* out) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char* to = out->reserve((bytes.size() + 2) / 3 * 4);
  const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t left = bytes.size();
  for (; left >= 3; left -= 3, from += 3) {
    const uint32_t group = static_cast<uint32_t>(from[0]) << 16 | static_cast<uint32_t>(from[1]) << 8 | from[2];
    *to++ = kAlphabet[group >> 18];
    *to++ = kAlphabet[(group >> 12) & 63];
    *to++ = kAlphabet[(group >> 6) & 63];
    *to++ = kAlphabet[group & 63];
  }
  if (left != 0) {
    const uint32_t group = static_cast<uint32_t>(from[0]) << 16 | (left == 2 ? static_cast<uint32_t>(from[1]) << 8 : 0);
    *to++ = kAlphabet[group >> 18];
    *to++ = kAlphabet[(group >> 12) & 63];
    *to++ = left == 2 ? kAlphabet[(group >> 6) & 63] : '=';
    *to++ = '=';
  }
  out->advance_to(to);
}

void put_escaped(std::string_view text, Buffer* out) {
  char* to = out->reserve(text.size() * 6 + 8);
  while (text.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, text.data(), 8);
    if (special_bytes(word) == 0) [[likely]] {
      std::memcpy(to, &word, 8);
      to += 8;
      text.remove_prefix(8);
      continue;
    }
    // A sequence may reach into the next eight bytes.
    for (size_t taken = 0; taken < 8 && !text.empty();) {
      const size_t n = write_escaped_char(text, &to);
      text.remove_prefix(n);
      taken += n;
    }
  }
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') [[likely]] {
      *to++ = static_cast<char>(c);
      text.remove_prefix(1);
    } else {
      text.remove_prefix(write_escaped_char(text, &to));
    }
  }
  out->advance_to(to);
}

void put_printable(std::string_view text, Buffer* out) {
  bool harmless = !text.empty();
  for (std::string_view rest = text; harmless && !rest.empty();) {
    if (rest.size() >= 8) {
      uint64_t word;
      std::memcpy(&word, rest.data(), 8);
      if ((special_bytes(word) | (((word ^ repeat(' ')) - repeat(1)) & repeat(0x80))) == 0) {
        rest.remove_prefix(8);
        continue;
      }
    }
    const auto c = static_cast<unsigned char>(rest[0]);
    const size_t n = utf8_length(rest);
    harmless = n != 0 && c > 0x20 && c != 0x7f && c != '"' && c != '\\' &&
               !(c == 0xc2 && static_cast<unsigned char>(rest[1]) < 0xa0);
    rest.remove_prefix(n == 0 ? 1 : n);
  }
  if (harmless) {
    out->append(text);
    return;
  }
  out->append('"');
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    const size_t n = utf8_length(text);
    char* to = out->reserve(8);
    if (n == 0) {
      to[0] = '\\', to[1] = 'x', to[2] = kHex[c >> 4], to[3] = kHex[c & 0xf];
      to += 4;
    } else {
      write_escaped_char(text, &to);
    }
    out->advance_to(to);
    text.remove_prefix(n == 0 ? 1 : n);
  }
  out->append('"');
}

void TimeText::put_second(uint64_t second, Buffer* out) {
  if (second != second_) {
    const auto time = static_cast<time_t>(second);
    tm parts{};
    ::gmtime_r(&time, &parts);
    const auto two = [](char* to, int value) { std::memcpy(to, kPairs.text + 2 * (value % 100), 2); };
    const int year = parts.tm_year + 1900;
    std::memcpy(text_, "0000-00-00T00:00:00", kSecondChars);
    two(text_, year / 100);
    two(text_ + 2, year);
    two(text_ + 5, parts.tm_mon + 1);
    two(text_ + 8, parts.tm_mday);
    two(text_ + 11, parts.tm_hour);
    two(text_ + 14, parts.tm_min);
    two(text_ + 17, parts.tm_sec);
    second_ = second;
  }
  out->append({text_, kSecondChars});
}

void TimeText::put(uint64_t wall_ns, Buffer* out) {
  const uint64_t second = wall_ns / 1'000'000'000;
  auto rest = static_cast<uint32_t>(wall_ns - second * 1'000'000'000);
  put_second(second, out);
  char* to = out->reserve(11);
  if (rest != 0) {
    *to++ = '.';
    const uint32_t groups[3] = {rest / 1'000'000, rest / 1000 % 1000, rest % 1000};
    const int count = groups[2] != 0 ? 3 : groups[1] != 0 ? 2 : 1;
    for (int i = 0; i < count; ++i) {
      *to++ = static_cast<char>('0' + groups[i] / 100);
      std::memcpy(to, kPairs.text + 2 * (groups[i] % 100), 2);
      to += 2;
    }
  }
  *to++ = 'Z';
  out->advance_to(to);
}

void TimeText::put_fixed(uint64_t wall_ns, Buffer* out) {
  const uint64_t second = wall_ns / 1'000'000'000;
  auto rest = static_cast<uint32_t>(wall_ns - second * 1'000'000'000);
  put_second(second, out);
  char* to = out->reserve(11);
  *to = '.';
  for (int i = 9; i >= 1; --i, rest /= 10) to[i] = static_cast<char>('0' + rest % 10);
  to[10] = 'Z';
  out->advance(11);
}

}  // namespace trigon::output
