// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// A path in reading order, for the tries, which compare from the first byte. Built backwards in match_work.path.
#ifndef TRIGON_LIB_MATCH_PATH_H
#define TRIGON_LIB_MATCH_PATH_H

#include "bpf/lib/match/scratch.h"
#include "bpf/lib/read/path.h"

// Of `file` (a struct file *, as a number: global functions of 5.10 take numbers only), seen from the current task's
// root. 0 on success; the result is work->path[path_off, path_off + path_len).
TRIGON_GLOBAL int match_file_path(u64 file) {
  struct match_work *work = match_work();
  struct read_path_walk walk;
  struct read_path_dentry component;
  u32 pos, end = TRIGON_MAX_PATH;
  if (!work) return -1;
  // The position lives in memory: in a register, the verifier would follow every range that it can have.
  work->path_off = TRIGON_MAX_PATH;
  struct task_struct *task = (void *)bpf_get_current_task();
  struct fs_struct *fs = BPF_CORE_READ(task, fs);
  if (!fs) return -1;
  read_path_begin(&walk, __builtin_preserve_access_index(&fs->root),
                  __builtin_preserve_access_index(&((struct file *)file)->f_path));
  work->path_flags = read_path_leaf_flags(walk.dentry);
  for (int i = 0; i < TRIGON_MAX_PATH_COMPONENTS; i++) {
    enum read_path_step step = read_path_next(&walk, &component);
    if (step == READ_PATH_MOUNT) continue;
    if (step == READ_PATH_ROOT) goto done;
    if (step == READ_PATH_ERROR) {
      work->path_flags |= TRIGON_PATH_ERROR;
      goto done;
    }
    u32 len = component.len & (TRIGON_MAX_NAME - 1);
    pos = work->path_off - len - 1;
    barrier_var(pos);
    if (pos >= TRIGON_MAX_PATH) break;  // below zero
    work->path_off = pos;
    work->path[pos] = '/';
    if (bpf_probe_read_kernel(&work->path[pos + 1], len, component.name)) {
      work->path_flags |= TRIGON_PATH_ERROR;
      goto done;
    }
    if (step == READ_PATH_PSEUDO) {
      work->path_flags |= TRIGON_PATH_PSEUDO | TRIGON_PATH_UNLINKED;
      goto done;
    }
  }
  work->path_flags |= TRIGON_PATH_TRUNCATED;
done:
  pos = work->path_off;
  if (pos >= TRIGON_MAX_PATH) {
    pos = TRIGON_MAX_PATH - 1;
    work->path[TRIGON_MAX_PATH - 1] = '/';
  }
  if (work->path_flags & TRIGON_PATH_UNLINKED) {
    __builtin_memcpy(&work->path[TRIGON_MAX_PATH], " (deleted)", 10);
    end += 10;
  }
  work->path[end] = 0;
  work->path_off = pos;
  work->path_len = end - pos;
  return 0;
}

#endif
