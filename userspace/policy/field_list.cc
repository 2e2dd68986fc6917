#include "policy/field_list.h"

#include <algorithm>
#include <cstring>

namespace trigon::policy {
namespace {

bool same(const trigon_field_conf& a, const trigon_field_conf& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

}  // namespace

FieldList::FieldList(const PlannedHook& known) {
  for (const trigon_field_conf& conf : known.fields) fields_.push_back({conf, 0});
}

trigon_field_conf FieldList::element(trigon_field_conf conf, uint8_t i) {
  if (conf.source == TRIGON_FROM_RECORD) {
    conf.off[0] += uint32_t{conf.size} * i;
  } else {
    conf.arg = static_cast<uint8_t>(conf.arg + i);
  }
  if (conf.source == TRIGON_FROM_RETURN) conf.flags |= TRIGON_CONF_AT_RETURN;
  return conf;
}

void FieldList::add(const Arg& arg, bool restricted) {
  reads(arg, [&](const trigon_field_conf& conf) {
    const int rank = (at_return(conf) ? 4 : 0) + (restricted ? 0 : 2) + (arg.kind == ValueKind::kNumber ? 0 : 1);
    const auto known = std::find_if(fields_.begin(), fields_.end(), [&](auto& f) { return same(f.conf, conf); });
    if (known == fields_.end()) {
      fields_.push_back({conf, rank});
    } else {
      known->rank = std::min(known->rank, rank);
    }
  });
}

void FieldList::sort() {
  std::stable_sort(fields_.begin(), fields_.end(), [](auto& a, auto& b) { return a.rank < b.rank; });
}

size_t FieldList::entry_size() const {
  return static_cast<size_t>(
      std::count_if(fields_.begin(), fields_.end(), [](auto& field) { return !at_return(field.conf); }));
}

uint8_t FieldList::find(const trigon_field_conf& conf) const {
  const auto it = std::find_if(fields_.begin(), fields_.end(), [&](auto& f) { return same(f.conf, conf); });
  return static_cast<uint8_t>(it - fields_.begin());
}

uint8_t FieldList::find(const Arg& arg) const {
  return arg.conf.type == TRIGON_ARG_NONE ? static_cast<uint8_t>(size()) : find(element(arg.conf, 0));
}

bool FieldList::covers(const FieldList& other) const {
  return std::all_of(other.fields_.begin(), other.fields_.end(), [&](auto& f) { return find(f.conf) < size(); });
}

std::vector<trigon_field_conf> FieldList::confs() const {
  std::vector<trigon_field_conf> out;
  for (const Field& field : fields_) out.push_back(field.conf);
  return out;
}

}  // namespace trigon::policy
