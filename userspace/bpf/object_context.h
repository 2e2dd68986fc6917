// ObjectContext: what the BPF objects of one agent have in common: types narrowed for libbpf, maps by name, and the
// values of .rodata that every program has. Filled while the sensor is loaded, read by whoever loads more programs.
// Single-threaded. Internal to this folder.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "bpf/kernel_types.h"

namespace trigon::bpf {

class ObjectContext {
 public:
  Fd sensor_types;  // narrowed BTF of the kernel (core_types.h), for the programs of bpf/programs/
  Fd hook_types;    // for those of bpf/programs/hooks/; made when the first is loaded
  bool bpf_loop = true;
  bool task_storage = true;
  uint64_t ring_bytes = 0;
  uint32_t cgroup_v1 = 0;
  bool environment = false;

  // Type numbers of the kernel, for bpf_rdonly_cast.
  struct TypeIds {
    uint32_t task = 0, binprm = 0, cgroup = 0, dentry = 0, mount = 0, file = 0, seqcount = 0, inode = 0, fs = 0;
  } ids;
  int iter_ubuf = -1, iter_iovec = -1;       // enum iter_type
  uint64_t rename_lock = 0, mount_lock = 0;  // addresses; 0: not known

  void learn(const KernelTypes& kernel);
  // /proc/kallsyms, once: the two addresses.
  void learn_locks();

  // The values that every object has. `Rodata` is a skeleton's.
  template <typename Rodata>
  void fill(Rodata* rodata) const {
    rodata->cfg_task_storage = task_storage;
    rodata->cfg_env = environment;
    rodata->cfg_cgroup_v1 = cgroup_v1;
    rodata->cfg_ring_limit = ring_bytes / 8 * 7;
    rodata->cfg_btf_task = ids.task;
    rodata->cfg_btf_binprm = ids.binprm;
    rodata->cfg_btf_cgroup = ids.cgroup;
    rodata->cfg_btf_dentry = ids.dentry;
    rodata->cfg_btf_mount = ids.mount;
    rodata->cfg_btf_file = ids.file;
    rodata->cfg_btf_seqcount = ids.seqcount;
    rodata->cfg_btf_inode = ids.inode;
    rodata->cfg_btf_fs = ids.fs;
    rodata->cfg_rename_lock = rename_lock;
    rodata->cfg_mount_lock = mount_lock;
    rodata->cfg_iter_ubuf = iter_ubuf;
    rodata->cfg_iter_iovec = iter_iovec;
  }

  // Remembers the maps that `object` has created (it must outlive this).
  void own(const bpf_object* object);
  // Makes `object` use the maps that are there already, and not create those that are not: all of them must have been
  // created before, or be of no use to the programs that will be loaded. .rodata stays its own.
  Result<void> share(bpf_object* object) const;
  // Size of a map that is to be created, after what the kernel charges for.
  static void shrink(bpf_object* object);
  int map_fd(const std::string& name) const;
  const std::map<std::string, int>& maps() const { return maps_; }

 private:
  bool locks_known_ = false;
  std::map<std::string, int> maps_;
};

}  // namespace trigon::bpf
