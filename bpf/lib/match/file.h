// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What a file's path decides, remembered. The path of an open file can only change when a dentry is renamed or a mount
// moves, and the kernel counts both (rename_lock, mount_lock). An entry is used only when nothing of what it was made
// from has changed: the generation, both counts, the process's root, and the identity of the file and of its folder.
// A dentry's memory may be used again for another file; that file then has another inode, name or folder.
#ifndef TRIGON_LIB_MATCH_FILE_H
#define TRIGON_LIB_MATCH_FILE_H

#include "bpf/lib/match/path.h"
#include "bpf/lib/match/trie.h"

// Odd while somebody changes something: then nothing is remembered, as when the count is not known.
static __always_inline u32 match_sequence(u64 lock) {
  if (!lock) return 1;
  return base_member((struct seqcount *)lock, cfg_btf_seqcount, sequence);
}

static __always_inline void match_file_facts(struct base_file *now, u64 dentry_address, u32 generation) {
  struct dentry *dentry = (void *)dentry_address;
  struct inode *inode = base_member(dentry, cfg_btf_dentry, d_inode);
  struct dentry *parent = base_member(dentry, cfg_btf_dentry, d_parent);
  struct inode *folder = base_member(parent, cfg_btf_dentry, d_inode);
  struct fs_struct *fs;
  now->generation = generation;
  now->renames = match_sequence(cfg_rename_lock);
  now->mounts = match_sequence(cfg_mount_lock);
  now->inode = (u64)inode;
  now->number = base_member(inode, cfg_btf_inode, i_ino);
  now->mode = base_member(inode, cfg_btf_inode, i_mode);
  now->name = base_member(dentry, cfg_btf_dentry, d_name.hash_len);
  now->parent = (u64)parent;
  now->parent_number = base_member(folder, cfg_btf_inode, i_ino);
  fs = base_member((struct task_struct *)bpf_get_current_task(), cfg_btf_task, fs);
  now->root_dentry = (u64)base_member(fs, cfg_btf_fs, root.dentry);
  now->root_mnt = (u64)base_member(fs, cfg_btf_fs, root.mnt);
  now->class = 0;
  now->class_post = 0;
}

static __always_inline bool match_file_same(const struct base_file *a, const struct base_file *b) {
  return a->generation == b->generation && a->renames == b->renames && a->mounts == b->mounts && a->inode == b->inode &&
         a->number == b->number && a->name == b->name && a->parent == b->parent &&
         a->parent_number == b->parent_number && a->root_dentry == b->root_dentry && a->root_mnt == b->root_mnt;
}

// 1 + the class that is remembered of (dentry, mnt); 0: nothing is, or not of this generation. Needs no working memory.
static __noinline u32 match_file_known(u64 dentry, u64 mnt, u32 generation) {
  struct base_file_key key = {.dentry = dentry, .mnt = mnt};
  struct base_file now;
  struct base_file *known = bpf_map_lookup_elem(&tri_files, &key);
  if (!known) return 0;
  match_file_facts(&now, dentry, generation);
  return match_file_same(known, &now) ? known->class + 1 : 0;
}

// work->class, class_post and mode of (work->dentry, work->mnt); mnt 0: of the path below the file system's root.
// Negative when there is no path.
TRIGON_GLOBAL int match_file_class(u32 at) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return -1;
  struct match_work *work = &scratch->work;
  u64 dentry = work->dentry, mnt = work->mnt;
  if (!dentry) return -1;
  struct base_file *now = &work->file_now;
  match_file_facts(now, dentry, work->generation);
  work->file_key.dentry = dentry;
  work->file_key.mnt = mnt;
  struct base_file *known = bpf_map_lookup_elem(&tri_files, &work->file_key);
  if (known && match_file_same(known, now)) {
    work->class = known->class;
    work->class_post = known->class_post;
    work->mode = now->mode;
    return 0;
  }
  u32 parity = work->parity & 1;
  u32 dim = run_control.path_dim[parity];
  if (match_path_text(at)) return -1;
  work->class = 0;
  work->class_post = 0;
  work->mode = now->mode;
  if (dim) {
    u32 off = __builtin_offsetof(struct match_scratch, work.path) + work->path_off;
    work->class = trie_find(at, off, work->path_len, dim);
    if (run_control.path_post[parity]) work->class_post = trie_find_reversed(at, off, work->path_len, dim + 1);
  }
  // Whoever renamed meanwhile has counted by now, or is still counting.
  if (((now->renames | now->mounts) & 1) || match_sequence(cfg_rename_lock) != now->renames ||
      match_sequence(cfg_mount_lock) != now->mounts)
    return 0;
  now->class = work->class;
  now->class_post = work->class_post;
  bpf_map_update_elem(&tri_files, &work->file_key, now, BPF_ANY);
  return 0;
}

#endif
