#include "output/digest_text.h"

#include "output/names.h"
#include "output/text.h"

namespace trigon::output {

void put_hex_bytes(std::string_view bytes, Buffer* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  char* to = out->reserve(2 * bytes.size());
  for (const char c : bytes) {
    *to++ = kHex[static_cast<unsigned char>(c) >> 4];
    *to++ = kHex[c & 0xf];
  }
  out->advance_to(to);
}

void put_digest(std::string_view ima, Buffer* out) {
  if (ima.empty()) return;
  const auto algorithm = static_cast<unsigned char>(ima[0]);
  put_name(hash_name(algorithm), algorithm, out);
  out->append(':');
  put_hex_bytes(ima.substr(1), out);
}

}  // namespace trigon::output
