// A YAML document as a tree with positions: what parse_yaml makes and validation reads. No YAML library in sight.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/diagnostics.h"

namespace trigon::policy {

struct NodeEntry;

struct Node {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;  // scalars: certainly a string
  Position position;
  std::string scalar;
  std::vector<Node> items;         // sequence
  std::vector<NodeEntry> entries;  // map, in the order of the file, duplicate keys included

  bool is_null() const { return kind == Kind::kNull; }
  bool is_map() const { return kind == Kind::kMap; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_scalar() const { return kind == Kind::kScalar; }

  // First value of that key; nullptr when there is none or this is no map.
  const Node* find(std::string_view key) const;
};

struct NodeEntry {
  Node key;
  Node value;
};

inline const Node* Node::find(std::string_view key) const {
  for (const NodeEntry& entry : entries) {
    if (entry.key.is_scalar() && entry.key.scalar == key) return &entry.value;
  }
  return nullptr;
}

}  // namespace trigon::policy
