#include "event/path.h"

#include <cstring>

#include "bpf/abi/record.h"

namespace trigon::event {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

void append_pseudo(std::string_view name, uint32_t flags, std::string* out) {
  const bool memfd = name.substr(0, 6) == "memfd:";
  if (memfd) out->push_back('/');
  out->append(name);
  const bool has_suffix = name.size() >= kDeleted.size() && name.substr(name.size() - kDeleted.size()) == kDeleted;
  if (memfd ? !has_suffix : (flags & TRIGON_PATH_UNLINKED) != 0) out->append(kDeleted);
}

}  // namespace

void append_path(std::string_view reversed, uint32_t flags, std::string* out) {
  // A component that was cut off by the end of the span has no NUL; it is kept as it is.
  if (!reversed.empty() && reversed.back() == '\0') reversed.remove_suffix(1);
  if (flags & TRIGON_PATH_PSEUDO) {
    append_pseudo(reversed.substr(0, reversed.find('\0')), flags, out);
    return;
  }
  if (reversed.empty()) {
    if ((flags & TRIGON_PATH_ERROR) == 0) out->push_back('/');
    return;
  }
  if (flags & TRIGON_PATH_TRUNCATED) out->append("...");
  const size_t base = out->size();
  out->resize(base + reversed.size() + 1);
  char* to = out->data() + base;
  const char* begin = reversed.data();
  const char* end = begin + reversed.size();
  while (end != nullptr) {
    const void* nul = memrchr(begin, '\0', static_cast<size_t>(end - begin));
    const char* from = nul != nullptr ? static_cast<const char*>(nul) + 1 : begin;
    *to++ = '/';
    std::memcpy(to, from, static_cast<size_t>(end - from));
    to += end - from;
    end = static_cast<const char*>(nul);
  }
  if (flags & TRIGON_PATH_UNLINKED) out->append(kDeleted);
}

std::string join_path(std::string_view reversed, uint32_t flags) {
  std::string out;
  append_path(reversed, flags, &out);
  return out;
}

}  // namespace trigon::event
