#include "bpf/object_context.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace trigon::bpf {

namespace {

// "trigon_s.bss" and "trigon_p.bss" are the same variables.
std::string key_of(const bpf_map* map) {
  const std::string name = bpf_map__name(map);
  const size_t dot = name.rfind('.');
  return bpf_map__is_internal(map) && dot != std::string::npos ? name.substr(dot) : name;
}

// Before 5.11 (bpf: "Switch to memcg-based memory accounting") a map is charged for all the entries that it could have,
// against RLIMIT_MEMLOCK, however few there are. Smaller tables there: a policy set that is too large is refused.
bool charges_memlock() {
  utsname kernel{};
  unsigned major = 0, minor = 0;
  return uname(&kernel) == 0 && std::sscanf(kernel.release, "%u.%u", &major, &minor) == 2 &&
         (major < 5 || (major == 5 && minor < 11));
}

}  // namespace

void ObjectContext::learn(const KernelTypes& kernel) {
  kernel.each([&](uint32_t id, uint32_t kind, std::string_view name) {
    if (kind == BTF_KIND_STRUCT) {
      if (name == "task_struct") ids.task = id;
      if (name == "linux_binprm") ids.binprm = id;
      if (name == "cgroup") ids.cgroup = id;
      if (name == "dentry") ids.dentry = id;
      if (name == "mount") ids.mount = id;
      if (name == "file") ids.file = id;
      if (name == "seqcount") ids.seqcount = id;
      if (name == "inode") ids.inode = id;
      if (name == "fs_struct") ids.fs = id;
    } else if (kind == BTF_KIND_ENUM && name == "iter_type") {
      const btf_type& type = kernel.type(id);
      const auto* value = reinterpret_cast<const btf_enum*>(&type + 1);
      for (uint32_t i = 0; i < BTF_INFO_VLEN(type.info); ++i) {
        if (kernel.name(value[i].name_off) == "ITER_UBUF") iter_ubuf = value[i].val;
        if (kernel.name(value[i].name_off) == "ITER_IOVEC") iter_iovec = value[i].val;
      }
    }
  });
}

void ObjectContext::learn_locks() {
  if (locks_known_) return;
  locks_known_ = true;
  Fd file(::open("/proc/kallsyms", O_RDONLY | O_CLOEXEC));
  if (!file) return;
  // "ffffffff81000000 D rename_lock": looked for block by block, a line may lie across two.
  std::string text;
  char block[64 << 10];
  const auto find = [&text](std::string_view name, uint64_t* out) {
    const std::string needle = fmt::format(" {}\n", name);
    const size_t at = text.find(needle);
    if (at == std::string::npos) return;
    const size_t line = text.rfind('\n', at);
    *out = std::strtoull(text.c_str() + (line == std::string::npos ? 0 : line + 1), nullptr, 16);
  };
  while (rename_lock == 0 || mount_lock == 0) {
    const ssize_t n = ::read(file.get(), block, sizeof(block));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(block, static_cast<size_t>(n));
    if (rename_lock == 0) find("rename_lock", &rename_lock);
    if (mount_lock == 0) find("mount_lock", &mount_lock);
    if (text.size() > 256) text.erase(0, text.size() - 256);
  }
}

void ObjectContext::own(const bpf_object* object) {
  const bpf_map* map;
  bpf_object__for_each_map(map, object) {
    const int fd = bpf_map__fd(map);
    if (fd < 0 || !bpf_map__autocreate(map)) continue;
    const std::string key = key_of(map);
    if (key != ".rodata") maps_.try_emplace(key, fd);
  }
}

Result<void> ObjectContext::share(bpf_object* object) const {
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    const std::string key = key_of(map);
    if (key == ".rodata") continue;
    const int fd = map_fd(key);
    if (fd < 0) {
      bpf_map__set_autocreate(map, false);
    } else if (bpf_map__reuse_fd(map, fd) != 0) {
      return Error::from_errno(fmt::format("share map {}", key));
    }
  }
  return {};
}

void ObjectContext::shrink(bpf_object* object) {
  if (!charges_memlock()) return;
  constexpr struct {
    const char* name;
    uint32_t entries;
  } kSmaller[] = {{"tri_numbers", 8192}, {"tri_ranges", 2048}, {"tri_prefixes", 4096}, {"tri_task_hash", 16384}};
  for (const auto& [name, entries] : kSmaller) {
    if (bpf_map* map = bpf_object__find_map_by_name(object, name)) bpf_map__set_max_entries(map, entries);
  }
}

int ObjectContext::map_fd(const std::string& name) const {
  const auto found = maps_.find(name);
  return found == maps_.end() ? -1 : found->second;
}

}  // namespace trigon::bpf
