// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// A path in reading order, for the tries, which compare from the first byte. Built backwards in match_work.path.
#ifndef TRIGON_LIB_MATCH_PATH_H
#define TRIGON_LIB_MATCH_PATH_H

#include "bpf/lib/base/config.h"
#include "bpf/lib/match/scratch.h"
#include "bpf/lib/read/path.h"

static long match_path_step(u32 i, struct match_work **ctx) {
  struct match_work *work = *ctx;
  struct read_path_dentry component;
  enum read_path_step found = read_path_next(&work->walk, &component);
  if (found == READ_PATH_MOUNT) return 0;
  if (found == READ_PATH_NAME || found == READ_PATH_PSEUDO) {
    u32 len = component.len & (TRIGON_MAX_NAME - 1);
    u32 pos = work->path_off - len - 1;
    barrier_var(pos);
    if (pos >= TRIGON_MAX_PATH) return 1;  // below zero
    work->path_off = pos;
    work->path[pos] = '/';
    if (!bpf_probe_read_kernel(&work->path[pos + 1], len, component.name)) {
      if (found == READ_PATH_NAME) return 0;
      work->path_flags |= TRIGON_PATH_PSEUDO | TRIGON_PATH_UNLINKED;
    } else {
      work->path_flags |= TRIGON_PATH_ERROR;
    }
  } else if (found == READ_PATH_ERROR) {
    work->path_flags |= TRIGON_PATH_ERROR;
  }
  work->path_flags &= ~TRIGON_PATH_TRUNCATED;
  return 1;
}

// Of (work->dentry, work->mnt), seen from the current task's root; mnt 0: below the file system's root. 0 on success; a
// deleted file has the path that it had, and a flag (it still matches its policies). The result is work->path[path_off,
// path_off + path_len), with a NUL behind it.
TRIGON_GLOBAL int match_path_text(u32 at) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch) return -1;
  struct match_work *work = &scratch->work;
  u64 dentry = work->dentry, mnt = work->mnt;
  if (!dentry) return -1;
  struct task_struct *task = (void *)bpf_get_current_task();
  struct fs_struct *fs = BPF_CORE_READ(task, fs);
  read_path_begin(&work->walk, fs, (void *)dentry, (void *)mnt);
  work->path_flags = read_path_leaf_flags((void *)dentry) | TRIGON_PATH_TRUNCATED;
  work->path_off = TRIGON_MAX_PATH;
  base_loop(TRIGON_MAX_PATH_COMPONENTS, TRIGON_MAX_PATH_UNROLLED, match_path_step, &work);
  u32 pos = work->path_off;
  barrier_var(pos);
  if (pos >= TRIGON_MAX_PATH) {
    pos = TRIGON_MAX_PATH - 1;
    work->path[TRIGON_MAX_PATH - 1] = '/';
  }
  work->path[TRIGON_MAX_PATH] = 0;
  work->path_off = pos;
  work->path_len = TRIGON_MAX_PATH - pos;
  return 0;
}

#endif
