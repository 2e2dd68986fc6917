// Reads the fields of one map of a policy: unknown, duplicate and not yet supported ones become diagnostics.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/diagnostics.h"
#include "policy/node.h"

namespace trigon::policy {

// A name that older versions of the language had, or that something else is called elsewhere.
struct Renamed {
  std::string_view name;
  std::string_view instead;  // what to write: "`enforcers` with `calls`"
};

// The names a map may have. `later` are those of the full language that this version does not carry: they may be there
// as long as they say nothing (null, false, an empty list).
struct FieldNames {
  std::initializer_list<std::string_view> known;
  std::initializer_list<std::string_view> later = {};
  std::initializer_list<Renamed> renamed = {};
};

class Fields {
 public:
  // `where` is for messages: "spec", "kprobes[0].args[1]".
  Fields(const Node& node, std::string where, const FieldNames& names, Sink& sink);

  // The same without a look at the names: of a map that was looked at in parts.
  Fields(const Node& node, std::string where, Sink& sink) : node_(node), where_(std::move(where)), sink_(sink) {}

  bool is_map() const { return node_.is_map(); }
  const std::string& where() const { return where_; }
  Position position() const { return node_.position; }

  // nullptr when it is absent or null.
  const Node* find(std::string_view name) const;
  // Like find, and an error when there is none.
  const Node* require(std::string_view name) const;

  std::optional<std::string> string(std::string_view name) const;
  bool boolean(std::string_view name, bool otherwise) const;
  std::optional<uint64_t> number(std::string_view name, uint64_t min, uint64_t max) const;
  std::optional<int64_t> signed_number(std::string_view name, int64_t min, int64_t max) const;
  // The items of a list; empty when it is absent.
  std::span<const Node> list(std::string_view name) const;
  // Not only a plain scalar that YAML would take for a number: values of filters are text in the CRD, but nobody
  // quotes them.
  std::vector<std::pair<std::string, Position>> values(std::string_view name) const;

  void error(Position position, std::string message) const { sink_.error(position, std::move(message)); }
  Sink& sink() const { return sink_; }

 private:
  const Node& node_;
  std::string where_;
  Sink& sink_;
};

// A list index for messages: "kprobes" and 1 make "kprobes[1]".
std::string item_name(std::string_view list, size_t index);

// The text of a string node; a diagnostic and nothing when it is something else.
std::optional<std::string> read_string(const Node& node, std::string_view what, Sink& sink);

// "`x` is known but not supported by this version".
std::string not_supported(std::string_view what);
// A map to go on with, where there is none.
const Node& empty_map();
// "`a`, `b`, `c`"
std::string quoted_list(std::span<const std::string_view> names);

}  // namespace trigon::policy
