// Where the parts of this test process lie: the dynamic linker's word, to compare ours with.
#pragma once

#include <dlfcn.h>
#include <link.h>

#include <cstdint>
#include <string>

namespace trigon::test {

struct Loaded {
  std::string path;
  uint64_t bias = 0;  // added to the file's addresses
};

// The file that holds a function or variable of this process.
inline Loaded loaded_at(const void* place) {
  Dl_info info{};
  link_map* map = nullptr;
  if (::dladdr1(place, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0 || map == nullptr) return {};
  return {*map->l_name != '\0' ? map->l_name : "/proc/self/exe", map->l_addr};
}

inline uint64_t to_address(const void* place) { return reinterpret_cast<uint64_t>(place); }

}  // namespace trigon::test
