// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Paths from dentries, as d_path() would print them for the process's root: up to the root, across mounts, ending at
// a mount without parent. bpf_d_path() may not be called from tracepoints, and it takes no root.
//
// Everything is read with bpf_probe_read_kernel: after the first mount crossing the pointers are plain numbers to the
// verifier, and one kind of access keeps one set of states. A rename in between can tear the walk (d_path() holds
// rename_lock): the result is then a mixture of two valid paths. Decisions on files key on the inode.
#ifndef TRIGON_LIB_READ_PATH_H
#define TRIGON_LIB_READ_PATH_H

#include "bpf/abi/limits.h"
#include "bpf/abi/record.h"
#include "bpf/lib/base/bpf.h"

struct read_path_walk {
  struct dentry *dentry;
  struct vfsmount *mnt;
  struct dentry *root_dentry;
  struct vfsmount *root_mnt;
  struct dentry *mnt_root;
};

// What one step needs of a dentry. d_parent and d_name lie side by side in every kernel so far, so one read serves.
struct read_path_dentry {
  struct dentry *parent;
  u32 hash;
  u32 len;
  const unsigned char *name;
};

static __always_inline long read_path_dentry(struct read_path_dentry *out, const struct dentry *dentry) {
  long err = bpf_probe_read_kernel(out, sizeof(*out), __builtin_preserve_access_index(&dentry->d_parent));
  if (bpf_core_field_offset(struct dentry, d_name) != bpf_core_field_offset(struct dentry, d_parent) + 8)
    err |= bpf_probe_read_kernel(&out->hash, 16, __builtin_preserve_access_index(&dentry->d_name));
  return err;
}

enum read_path_step {
  READ_PATH_NAME,    // a component was found: *component
  READ_PATH_MOUNT,   // went through a mount point; nothing to print
  READ_PATH_ROOT,    // done
  READ_PATH_PSEUDO,  // a nameless tree's only name: memfd, pipe; *component is the last one
  READ_PATH_ERROR,
};

// From numbers: without `mnt` up to the root of the file system only. Without `fs` up to the root of the mount tree.
static __always_inline void read_path_begin(struct read_path_walk *walk, struct fs_struct *fs, struct dentry *dentry,
                                            struct vfsmount *mnt) {
  walk->dentry = dentry;
  walk->mnt = mnt;
  walk->mnt_root = NULL;
  walk->root_dentry = NULL;
  walk->root_mnt = NULL;
  if (!mnt) return;
  bpf_probe_read_kernel(&walk->mnt_root, 8, __builtin_preserve_access_index(&mnt->mnt_root));
  if (!fs) return;
  bpf_probe_read_kernel(&walk->root_dentry, 8, __builtin_preserve_access_index(&fs->root.dentry));
  bpf_probe_read_kernel(&walk->root_mnt, 8, __builtin_preserve_access_index(&fs->root.mnt));
}

static __always_inline enum read_path_step read_path_next(struct read_path_walk *walk,
                                                          struct read_path_dentry *component) {
  if (walk->dentry == walk->root_dentry && walk->mnt == walk->root_mnt) return READ_PATH_ROOT;
  if (walk->dentry == walk->mnt_root) {
    struct mount *mount = (void *)walk->mnt - bpf_core_field_offset(struct mount, mnt);
    struct mount *parent = NULL;
    if (BPF_CORE_READ_INTO(&parent, mount, mnt_parent)) return READ_PATH_ERROR;
    if (parent == mount) return READ_PATH_ROOT;
    if (BPF_CORE_READ_INTO(&walk->dentry, mount, mnt_mountpoint)) return READ_PATH_ERROR;
    struct vfsmount *mnt = (void *)parent + bpf_core_field_offset(struct mount, mnt);
    walk->mnt = mnt;
    if (BPF_CORE_READ_INTO(&walk->mnt_root, mnt, mnt_root)) return READ_PATH_ERROR;
    return READ_PATH_MOUNT;
  }
  if (read_path_dentry(component, walk->dentry)) return READ_PATH_ERROR;
  // A root: of a tree without a name of its own (memfd, pipe) it is the only name, of a walk without mounts the end.
  if (component->parent == walk->dentry) return walk->mnt ? READ_PATH_PSEUDO : READ_PATH_ROOT;
  walk->dentry = component->parent;
  return READ_PATH_NAME;
}

// The same from BTF pointers, with plain loads. `walk` must lie in map memory, where pointers become numbers.
static __always_inline u32 read_path_start(struct read_path_walk *walk, const struct path *root,
                                           const struct path *path) {
  const struct dentry *dentry = path->dentry;
  const struct vfsmount *mnt = path->mnt;
  walk->dentry = (void *)dentry;
  walk->mnt = (void *)mnt;
  walk->mnt_root = mnt->mnt_root;
  walk->root_dentry = root->dentry;
  walk->root_mnt = root->mnt;
  if (dentry->d_hash.pprev) return 0;
  return (u64)dentry->d_parent != base_address(dentry) ? TRIGON_PATH_UNLINKED : 0;
}

static __always_inline u32 read_path_leaf_flags(const struct dentry *dentry) {
  struct hlist_bl_node **pprev = NULL;
  struct dentry *parent = NULL;
  BPF_CORE_READ_INTO(&pprev, dentry, d_hash.pprev);
  if (pprev) return 0;
  // d_unlinked(): unhashed and not a root. Roots are never hashed.
  BPF_CORE_READ_INTO(&parent, dentry, d_parent);
  return parent != dentry ? TRIGON_PATH_UNLINKED : 0;
}

#endif
