// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Scratch and paths of a struct trigon_exec, for the exec program and the iterator. Each has its own scratch: the
// iterator can be preempted by an exec on its CPU.
#ifndef TRIGON_LIB_READ_IMAGE_H
#define TRIGON_LIB_READ_IMAGE_H

#include "bpf/lib/base/maps.h"
#include "bpf/lib/read/path.h"

// The fixed part, then the variable parts one after the other: exe, cwd, filename, interpreter, arguments. Each bound
// is the most that can lie before the next part.
#define IMAGE_FIXED sizeof(struct trigon_exec)
#define IMAGE_AFTER_PATHS (IMAGE_FIXED + 2 * TRIGON_MAX_PATH)
#define IMAGE_AFTER_NAME (IMAGE_AFTER_PATHS + TRIGON_MAX_PATH)
#define IMAGE_AFTER_INTERP (IMAGE_AFTER_NAME + TRIGON_MAX_NAME)
#define IMAGE_MAX (IMAGE_AFTER_INTERP + TRIGON_EXEC_INLINE_ARGS)

struct image_scratch {
  struct trigon_exec event;
  char data[IMAGE_MAX - IMAGE_FIXED + TRIGON_MAX_PATH];  // slack: a bounded write may start at the last bound
};

enum image_scratch_of { IMAGE_OF_EXEC = 0, IMAGE_OF_SNAPSHOT = 1 };
enum image_path { IMAGE_EXE = 0, IMAGE_CWD = 1 };

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 2);
  __type(key, u32);
  __type(value, struct image_scratch);
} tri_image TRIGON_MAP;

static __always_inline struct image_scratch *image_scratch(u32 of) { return bpf_map_lookup_elem(&tri_image, &of); }

// Appends the components of the struct path at `address`, leaf first, each with a NUL, at `off` of the scratch, seen
// from the root at `root` (0: none); returns the new offset. Global: inlined, its loop multiplies the caller's states.
TRIGON_GLOBAL u32 image_path_read(u32 of, u32 which, u64 root, u64 address, u32 off) {
  struct image_scratch *scratch = image_scratch(of);
  struct read_path_walk walk;
  struct read_path_dentry component;
  void *base = scratch;
  if (!scratch) return 0;
  struct trigon_path *out = which == IMAGE_CWD ? &scratch->event.cwd : &scratch->event.exe;
  const u32 limit = IMAGE_AFTER_PATHS - TRIGON_MAX_NAME;
  if (off > limit) return 0;
  read_path_begin(&walk, (struct path *)root, (struct path *)address);
  out->flags = read_path_leaf_flags(walk.dentry);
  out->span.off = off;
  out->span.len = 0;
  out->components = 0;
  for (int i = 0; i < TRIGON_MAX_PATH_COMPONENTS; i++) {
    enum read_path_step step = read_path_next(&walk, &component);
    if (step == READ_PATH_MOUNT) continue;
    if (step == READ_PATH_ROOT) return off;
    if (step == READ_PATH_ERROR) {
      out->flags |= TRIGON_PATH_ERROR;
      return off;
    }
    u32 len = component.len & (TRIGON_MAX_NAME - 1);
    barrier_var(off);
    if (off >= limit) break;
    if (bpf_probe_read_kernel(base + off, len, component.name)) {
      out->flags |= TRIGON_PATH_ERROR;
      return off;
    }
    off += len;
    *(char *)(base + off) = 0;
    off++;
    out->components++;
    out->span.len = off - out->span.off;
    if (step == READ_PATH_PSEUDO) {
      out->flags |= TRIGON_PATH_PSEUDO;
      return off;
    }
  }
  out->flags |= TRIGON_PATH_TRUNCATED;
  return off;
}

#endif
