// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Reads the fields that a hook's table names from the registers in work->arg.
//
// Strings and buffers of user space are hints: the caller may change them between this read and the kernel's own
// (docs/threat-model.md). What cannot be read (a page that is not resident: fork and never touched) is unreadable,
// which is not the same as empty.
#ifndef TRIGON_LIB_MATCH_FIELDS_H
#define TRIGON_LIB_MATCH_FIELDS_H

#include "bpf/lib/match/path.h"

// include/linux/fdtable.h: the table and its size belong together under RCU; a table that is replaced meanwhile has
// the same files.
static __always_inline u64 fields_file_of_fd(s32 fd) {
  struct task_struct *task = (void *)bpf_get_current_task();
  struct fdtable *table = BPF_CORE_READ(task, files, fdt);
  struct file **files = BPF_CORE_READ(table, fd);
  struct file *file = NULL;
  if (fd < 0 || (u32)fd >= BPF_CORE_READ(table, max_fds)) return 0;
  bpf_probe_read_kernel(&file, sizeof(file), files + fd);
  return (u64)file;
}

static __always_inline void fields_bytes(struct match_work *work, struct match_scratch *scratch,
                                         struct trigon_field *field, u64 from, u64 size, u32 max) {
  u32 off = work->used;
  field->size = size > 0xffffffff ? 0xffffffff : size;
  if (max > TRIGON_MAX_PATH) max = TRIGON_MAX_PATH;
  if (size > max) {
    size = max;
    field->flags |= TRIGON_FIELD_TRUNCATED;
  }
  if (off > MATCH_EVENT_MAX) return;
  u32 len = size;
  barrier_var(len);
  if (len > TRIGON_MAX_PATH) return;
  barrier_var(off);
  if (off > MATCH_EVENT_MAX) return;
  if (bpf_probe_read_user((void *)scratch + off, len, (void *)from)) {
    field->flags |= TRIGON_FIELD_UNREADABLE;
    return;
  }
  field->data.off = off;
  field->data.len = len;
  work->used = off + len;
}

TRIGON_GLOBAL int fields_read(u32 hook_index, u32 i) {
  struct match_scratch *scratch = match_scratch();
  const struct trigon_hook *hook = bpf_map_lookup_elem(&tri_hooks, &hook_index);
  if (!scratch || !hook || i >= TRIGON_MAX_FIELDS) return 0;
  struct match_work *work = &scratch->work;
  const struct trigon_field_conf *conf = &hook->field[i];
  struct trigon_field *field = &scratch->event.field[i];
  u32 arg = conf->arg, off = work->used;
  u64 value;
  value = work->arg[arg & 7];
  field->type = conf->type;
  field->flags = 0;
  field->path_flags = 0;
  field->size = 0;
  field->data.off = 0;
  field->data.len = 0;
  switch (conf->type) {
    case TRIGON_ARG_INT32:
      value = (s64)(s32)value;
      break;
    case TRIGON_ARG_UINT32:
      value = (u32)value;
      break;
    case TRIGON_ARG_INT16:
      value = (s64)(s16)value;
      break;
    case TRIGON_ARG_UINT16:
      value = (u16)value;
      break;
    case TRIGON_ARG_INT8:
      value = (s64)(__s8)value;
      break;
    case TRIGON_ARG_UINT8:
      value = (u8)value;
      break;
    case TRIGON_ARG_SYSCALL:
      value = scratch->event.syscall | (scratch->event.syscall_abi == TRIGON_ABI_COMPAT32 ? 0x80000000 : 0);
      break;
    case TRIGON_ARG_STRING: {
      if (off > MATCH_EVENT_MAX) {
        field->flags |= TRIGON_FIELD_UNREADABLE | TRIGON_FIELD_TRUNCATED;
        break;
      }
      long n = bpf_probe_read_user_str((void *)scratch + off, TRIGON_MAX_PATH, (void *)value);
      if (n < 0) {
        field->flags |= TRIGON_FIELD_UNREADABLE;
        break;
      }
      if (n == 0) {  // before 6.16 an empty string counts 0 bytes, without its NUL
        *((char *)scratch + off) = 0;
        n = 1;
      }
      // 4,096 bytes with the NUL and nothing cut is PATH_MAX itself, which no system call accepts as a path.
      if (n >= TRIGON_MAX_PATH) field->flags |= TRIGON_FIELD_TRUNCATED;
      field->data.off = off;
      field->data.len = (n - 1) & (TRIGON_MAX_PATH - 1);
      work->used = off + ((n - 1) & (TRIGON_MAX_PATH - 1)) + 1;
      break;
    }
    case TRIGON_ARG_FD: {
      value = (s64)(s32)value;
      u64 file = fields_file_of_fd(value);
      if (!file || match_file_path(file)) {
        field->flags |= TRIGON_FIELD_UNREADABLE;
        break;
      }
      u32 path = work->path_off, len = work->path_len + 1;
      barrier_var(len);
      barrier_var(off);
      if (off > MATCH_EVENT_MAX || path >= TRIGON_MAX_PATH || len > TRIGON_MAX_PATH) {
        field->flags |= TRIGON_FIELD_TRUNCATED | TRIGON_FIELD_UNREADABLE;
        break;
      }
      bpf_probe_read_kernel((void *)scratch + off, len, &work->path[path]);
      field->path_flags = work->path_flags;
      field->data.off = off;
      field->data.len = len - 1;
      work->used = off + len;
      break;
    }
    case TRIGON_ARG_CHAR_BUF:
    case TRIGON_ARG_SOCKADDR: {
      u32 size_arg = conf->size_arg;
      u64 size = 0;
      if (size_arg) size = work->arg[(size_arg - 1) & 7];
      fields_bytes(work, scratch, field, value, size, conf->max);
      // The NUL that the tries expect behind a value.
      off = work->used;
      if (off <= MATCH_EVENT_MAX) {
        *((char *)scratch + off) = 0;
        work->used = off + 1;
      }
      break;
    }
  }
  field->value = value;
  return 1;
}

#endif
