#include "engine/tracepoint_format.h"

#include <charconv>

namespace trigon::engine {
namespace {

constexpr std::string_view kField = "field:";
constexpr std::string_view kDataLoc = "__data_loc ";

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The number behind `name:` up to the next semicolon.
uint32_t number_after(std::string_view line, std::string_view name) {
  const size_t at = line.find(name);
  if (at == std::string_view::npos) return 0;
  line.remove_prefix(at + name.size());
  uint32_t value = 0;
  std::from_chars(line.data(), line.data() + line.size(), value);
  return value;
}

// Bytes of an element, for arrays whose length is a name of the kernel's ("char comm[TASK_COMM_LEN]").
uint32_t element_size(std::string_view type) {
  if (type.find("char") != std::string_view::npos || type.find("u8") != std::string_view::npos ||
      type.find("s8") != std::string_view::npos || type.find("bool") != std::string_view::npos) {
    return 1;
  }
  if (type.find("short") != std::string_view::npos || type.find("16") != std::string_view::npos) return 2;
  if (type.find("long") != std::string_view::npos || type.find("64") != std::string_view::npos ||
      type.find("size_t") != std::string_view::npos || type.find('*') != std::string_view::npos) {
    return 8;
  }
  return 4;
}

bool parse_line(std::string_view line, policy::TracepointField& out) {
  line = trim(line);
  if (!line.starts_with(kField)) return false;
  const size_t end = line.find(';');
  if (end == std::string_view::npos) return false;
  std::string_view declaration = trim(line.substr(kField.size(), end - kField.size()));
  out.offset = number_after(line, "offset:");
  out.size = number_after(line, "size:");
  out.is_signed = number_after(line, "signed:") != 0;
  out.data_loc = declaration.starts_with(kDataLoc);
  std::string_view length;
  bool array = false;
  if (declaration.ends_with(']') && !out.data_loc) {
    const size_t bracket = declaration.rfind('[');
    if (bracket == std::string_view::npos) return false;
    length = declaration.substr(bracket + 1, declaration.size() - bracket - 2);
    declaration = trim(declaration.substr(0, bracket));
    array = true;
  }
  const size_t blank = declaration.find_last_of(" *");
  if (blank == std::string_view::npos) return false;
  out.name = declaration.substr(blank + 1);
  const std::string_view type = trim(declaration.substr(0, blank + 1));
  out.type = type;
  if (array) {
    const auto [last, code] = std::from_chars(length.data(), length.data() + length.size(), out.array);
    if (code != std::errc() || last != length.data() + length.size()) out.array = out.size / element_size(type);
    if (out.array == 0) out.array = 1;
    out.type += "[" + std::to_string(out.array) + "]";
  }
  return true;
}

}  // namespace

std::vector<policy::TracepointField> parse_tracepoint_format(std::string_view text) {
  std::vector<policy::TracepointField> fields;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    policy::TracepointField field;
    if (parse_line(text.substr(0, end), field)) fields.push_back(std::move(field));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return fields;
}

}  // namespace trigon::engine
