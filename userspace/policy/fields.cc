#include "policy/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/suggest.h"
#include "policy/types.h"

namespace trigon::policy {
namespace {

std::string_view kind_name(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kSequence:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
    case Node::Kind::kScalar:
      break;
  }
  return "a value";
}

std::string found(const Node& node) {
  if (node.is_scalar()) {
    return node.quoted ? fmt::format("the text \"{}\"", node.scalar) : fmt::format("`{}`", node.scalar);
  }
  return std::string(kind_name(node));
}

bool is_true(std::string_view text) { return text == "true" || text == "True" || text == "TRUE"; }
bool is_false(std::string_view text) { return text == "false" || text == "False" || text == "FALSE"; }

bool looks_like_number(const std::string& text) {
  if (text.empty()) return false;
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size();
}

// A field that this version does not carry but which asks for nothing.
bool says_nothing(const Node& node) {
  if (node.is_null()) return true;
  if (node.is_scalar()) return is_false(node.scalar) || node.scalar.empty() || node.scalar == "0";
  return node.is_sequence() && node.items.empty();  // an empty map is no nothing: hostSelector {} means "host only"
}

bool contains(std::initializer_list<std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string item_name(std::string_view list, size_t index) { return fmt::format("{}[{}]", list, index); }

std::string not_supported(std::string_view what) {
  return fmt::format("`{}` is known but not supported by this version", what);
}

std::string quoted_list(std::span<const std::string_view> names) {
  std::string out;
  for (std::string_view name : names) out += fmt::format("{}`{}`", out.empty() ? "" : ", ", name);
  return out;
}

std::optional<std::string> read_string(const Node& node, std::string_view what, Sink& sink) {
  const bool other_type =
      !node.quoted && (is_true(node.scalar) || is_false(node.scalar) || looks_like_number(node.scalar));
  if (node.is_scalar() && !other_type) return node.scalar;
  sink.error(node.position,
             fmt::format("{}: expected text, found {}{}", what, found(node), node.is_scalar() ? " (quote it)" : ""));
  return std::nullopt;
}

const Node& empty_map() {
  static const Node kEmpty = [] {
    Node node;
    node.kind = Node::Kind::kMap;
    return node;
  }();
  return kEmpty;
}

Fields::Fields(const Node& node, std::string where, const FieldNames& names, Sink& sink)
    : node_(node), where_(std::move(where)), sink_(sink) {
  if (!node.is_map()) {
    sink_.error(node.position, fmt::format("{}: expected a map, found {}", where_, found(node)));
    return;
  }
  for (size_t i = 0; i < node.entries.size(); ++i) {
    const Node& key = node.entries[i].key;
    const Node& value = node.entries[i].value;
    if (!key.is_scalar()) {
      sink_.error(key.position, fmt::format("{}: a field name is text, found {}", where_, found(key)));
      continue;
    }
    const bool repeated = std::any_of(node.entries.begin(), node.entries.begin() + static_cast<long>(i),
                                      [&](const auto& other) { return other.key.scalar == key.scalar; });
    if (repeated) {
      sink_.error(key.position, fmt::format("duplicate field `{}` in {}", key.scalar, where_));
    } else if (contains(names.later, key.scalar)) {
      if (!says_nothing(value)) sink_.error(key.position, not_supported(key.scalar));
    } else if (const auto* renamed = std::find_if(names.renamed.begin(), names.renamed.end(),
                                                  [&](const Renamed& each) { return each.name == key.scalar; });
               renamed != names.renamed.end()) {
      sink_.error(key.position,
                  fmt::format("`{}` is not a field of {}: write {}", key.scalar, where_, renamed->instead));
    } else if (!contains(names.known, key.scalar)) {
      std::vector<std::string_view> all(names.known);
      all.insert(all.end(), names.later.begin(), names.later.end());
      sink_.error(key.position,
                  fmt::format("unknown field `{}` in {}{}", key.scalar, where_, did_you_mean(key.scalar, all)));
    }
  }
}

const Node* Fields::find(std::string_view name) const {
  const Node* node = node_.find(name);
  return node && !node->is_null() ? node : nullptr;
}

const Node* Fields::require(std::string_view name) const {
  const Node* node = find(name);
  if (!node && is_map()) sink_.error(node_.position, fmt::format("{}: `{}` is missing", where_, name));
  return node;
}

std::optional<std::string> Fields::string(std::string_view name) const {
  const Node* node = find(name);
  return node ? read_string(*node, name, sink_) : std::nullopt;
}

bool Fields::boolean(std::string_view name, bool otherwise) const {
  const Node* node = find(name);
  if (!node) return otherwise;
  if (node->is_scalar() && !node->quoted) {
    if (is_true(node->scalar)) return true;
    if (is_false(node->scalar)) return false;
  }
  sink_.error(node->position, fmt::format("{}: expected true or false, found {}", name, found(*node)));
  return otherwise;
}

std::optional<uint64_t> Fields::number(std::string_view name, uint64_t min, uint64_t max) const {
  const Node* node = find(name);
  if (!node) return std::nullopt;
  if (node->is_scalar() && !node->quoted) {
    if (auto value = parse_number(node->scalar, false, 64); value.ok() && *value >= min && *value <= max) return *value;
  }
  sink_.error(node->position,
              fmt::format("{}: expected a number from {} to {}, found {}", name, min, max, found(*node)));
  return std::nullopt;
}

std::optional<int64_t> Fields::signed_number(std::string_view name, int64_t min, int64_t max) const {
  const Node* node = find(name);
  if (!node) return std::nullopt;
  if (node->is_scalar()) {
    if (auto value = parse_number(node->scalar, true, 64); value.ok()) {
      const auto number = static_cast<int64_t>(*value);
      if (number >= min && number <= max) return number;
    }
  }
  sink_.error(node->position,
              fmt::format("{}: expected a number from {} to {}, found {}", name, min, max, found(*node)));
  return std::nullopt;
}

std::span<const Node> Fields::list(std::string_view name) const {
  const Node* node = find(name);
  if (!node) return {};
  if (node->is_sequence()) return node->items;
  sink_.error(node->position, fmt::format("{}: expected a list, found {}", name, found(*node)));
  return {};
}

std::vector<std::pair<std::string, Position>> Fields::values(std::string_view name) const {
  std::vector<std::pair<std::string, Position>> out;
  for (const Node& node : list(name)) {
    if (node.is_scalar()) {
      out.emplace_back(node.scalar, node.position);
    } else {
      sink_.error(node.position, fmt::format("{}: expected a value, found {}", name, found(node)));
    }
  }
  return out;
}

}  // namespace trigon::policy
