#include "bpf/map.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <vector>

namespace trigon::bpf {

Result<void> Map::update(const void* key, const void* value) const {
  if (bpf_map_update_elem(fd_, key, value, BPF_ANY) == 0) return {};
  int err = errno;
  if (err == E2BIG || err == ENOSPC) return Error(fmt::format("map {} is full", name_));
  return Error::from_errno(err, fmt::format("update map {}", name_));
}

bool Map::lookup(const void* key, void* value) const { return bpf_map_lookup_elem(fd_, key, value) == 0; }

Result<void> Map::erase(const void* key) const {
  if (bpf_map_delete_elem(fd_, key) == 0 || errno == ENOENT) return {};
  return Error::from_errno(fmt::format("delete from map {}", name_));
}

Result<void> Map::update_range(uint32_t first, const void* values, size_t value_size, uint32_t count) const {
  if (count == 0) return {};
  std::vector<uint32_t> keys(count);
  for (uint32_t i = 0; i < count; ++i) keys[i] = first + i;
  uint32_t done = count;
  // One call for all of them (5.6).
  if (bpf_map_update_batch(fd_, keys.data(), values, &done, nullptr) == 0) return {};
  for (uint32_t i = 0; i < count; ++i)
    TRIGON_CHECK(update(&keys[i], static_cast<const char*>(values) + i * value_size));
  return {};
}

}  // namespace trigon::bpf
