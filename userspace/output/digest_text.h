// Digests as events show them.
#pragma once

#include <string_view>

#include "output/buffer.h"

namespace trigon::output {

// "sha256:9f…" of the bytes of trigon_hook_event.ima: the kernel's number of the algorithm, then the digest.
void put_digest(std::string_view ima, Buffer* out);
// Two lower case digits for each byte.
void put_hex_bytes(std::string_view bytes, Buffer* out);

}  // namespace trigon::output
