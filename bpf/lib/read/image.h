// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Scratch and paths of a struct trigon_exec, for the exec program and the iterator. Each has its own scratch: the
// iterator can be preempted by an exec on its CPU.
#ifndef TRIGON_LIB_READ_IMAGE_H
#define TRIGON_LIB_READ_IMAGE_H

#include "bpf/lib/base/config.h"
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
  struct read_path_walk walk;
  u32 off;  // where the next component goes
  u32 pad;
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

struct image_path_step {
  struct image_scratch *scratch;
  struct trigon_path *out;
};

static long image_path_step(u32 i, struct image_path_step *step) {
  const u32 limit = IMAGE_AFTER_PATHS - TRIGON_MAX_NAME;
  struct image_scratch *scratch = step->scratch;
  struct trigon_path *out = step->out;
  struct read_path_dentry component;
  void *base = scratch;
  enum read_path_step found = read_path_next(&scratch->walk, &component);
  if (found == READ_PATH_MOUNT) return 0;
  if (found == READ_PATH_NAME || found == READ_PATH_PSEUDO) {
    u32 len = component.len & (TRIGON_MAX_NAME - 1);
    u32 off = scratch->off;
    barrier_var(off);
    if (off >= limit) return 1;
    if (!bpf_probe_read_kernel(base + off, len, component.name)) {
      off += len;
      *(char *)(base + off) = 0;
      scratch->off = off + 1;
      out->components++;
      if (found == READ_PATH_NAME) return 0;
      out->flags |= TRIGON_PATH_PSEUDO;
    } else {
      out->flags |= TRIGON_PATH_ERROR;
    }
  } else if (found == READ_PATH_ERROR) {
    out->flags |= TRIGON_PATH_ERROR;
  }
  out->flags &= ~TRIGON_PATH_TRUNCATED;
  return 1;
}

// Appends the components of the path at which scratch->walk stands, leaf first, each with a NUL, at `off` of the
// scratch; returns the new offset. `flags`: those of the leaf. Global: verified once and not for each caller's states.
TRIGON_GLOBAL u32 image_path_read(u32 of, u32 which, u32 flags, u32 off) {
  struct image_scratch *scratch = image_scratch(of);
  if (!scratch) return 0;
  struct trigon_path *out = which == IMAGE_CWD ? &scratch->event.cwd : &scratch->event.exe;
  struct image_path_step step = {.scratch = scratch, .out = out};
  // Taken back when the walk ends by itself.
  out->flags = flags | TRIGON_PATH_TRUNCATED;
  out->span.off = off;
  out->components = 0;
  scratch->off = off;
  base_loop(TRIGON_MAX_PATH_COMPONENTS, TRIGON_MAX_PATH_UNROLLED, image_path_step, &step);
  out->span.len = scratch->off - off;
  return scratch->off;
}

#endif
