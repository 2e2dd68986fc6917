// The values that a hook's program reads: what its policies want, each once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "policy/compiled.h"
#include "policy/ir.h"

namespace trigon::policy {

class FieldList {
 public:
  FieldList() = default;
  // Those of a program that exists.
  explicit FieldList(const PlannedHook& known);

  // Calls `each(conf)` for what an argument stands for: one value, or those of an array one after another; none for
  // nop.
  template <typename Each>
  static void reads(const Arg& arg, Each each) {
    if (arg.conf.type == TRIGON_ARG_NONE) return;
    for (uint8_t i = 0; i < arg.spread; ++i) each(element(arg.conf, i));
  }

  void add(const Arg& arg, bool restricted);
  // Entry before return. At each, what decides comes first, and of that what costs no memory access.
  void sort();

  size_t size() const { return fields_.size(); }
  size_t entry_size() const;  // of them, read at entry
  const trigon_field_conf& at(size_t i) const { return fields_[i].conf; }
  uint8_t find(const trigon_field_conf& conf) const;  // size(): not there
  uint8_t find(const Arg& arg) const;                 // its first value
  bool covers(const FieldList& other) const;
  std::vector<trigon_field_conf> confs() const;

 private:
  static trigon_field_conf element(trigon_field_conf conf, uint8_t i);

  struct Field {
    trigon_field_conf conf;
    int rank;
  };
  std::vector<Field> fields_;
};

inline bool at_return(const trigon_field_conf& conf) {
  return (conf.flags & TRIGON_CONF_AT_RETURN) != 0 || conf.source == TRIGON_FROM_RETURN;
}

}  // namespace trigon::policy
