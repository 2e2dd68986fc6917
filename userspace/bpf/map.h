// Map: the descriptor of a BPF map, with the few operations that the agent uses. Keys and values are bytes of the sizes
// that the map was made with. Not an owner: the Sensor that made the map is. Usable from any thread (each operation is
// one system call).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace trigon::bpf {

class Map {
 public:
  Map() = default;
  Map(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  int fd() const { return fd_; }
  const std::string& name() const { return name_; }

  Result<void> update(const void* key, const void* value) const;
  // False: no such key.
  bool lookup(const void* key, void* value) const;
  // A key that is not there is not an error.
  Result<void> erase(const void* key) const;
  // Entries [first, first + count) of an array map, values side by side.
  Result<void> update_range(uint32_t first, const void* values, size_t value_size, uint32_t count) const;

 private:
  int fd_ = -1;
  std::string name_;
};

}  // namespace trigon::bpf
