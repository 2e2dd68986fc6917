// Paths as records carry them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace trigon::event {

// Joins "c\0b\0a\0" (leaf first) to "/a/b/c", the text that the kernel's d_path() would give:
//  - no component at all: "/", or "" when flags say that reading failed
//  - UNLINKED: " (deleted)" behind it
//  - PSEUDO: the only component is the name itself; a memfd is "/memfd:x (deleted)", the others have no slash
//  - TRUNCATED: what is missing is the beginning, so the text starts with ".../" and not with "/"
// flags: enum trigon_path_flags.
void append_path(std::string_view reversed, uint32_t flags, std::string* out);
std::string join_path(std::string_view reversed, uint32_t flags);

}  // namespace trigon::event
