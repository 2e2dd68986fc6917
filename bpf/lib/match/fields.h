// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Reads what a hook's policies want to see into the event's fields, as struct trigon_field_conf says.
//
// Strings and buffers of user space are hints: the caller may change them between this read and the kernel's own
// (docs/threat-model.md). What cannot be read (a page that is not resident: fork and never touched) is unreadable,
// which is not the same as empty.
//
// Of a path-like field only the class is looked up for matching; its text is made when an event is written or a
// substring is searched (fields_text).
#ifndef TRIGON_LIB_MATCH_FIELDS_H
#define TRIGON_LIB_MATCH_FIELDS_H

#include "bpf/lib/match/file.h"
#include "bpf/lib/read/object.h"

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

// Where `size` constant bytes of the event may be written; NULL: it is full.
static __always_inline void *fields_space(struct match_scratch *scratch, struct trigon_field *field, const u32 size) {
  u32 off = (scratch->work.used + 7) & ~7u;
  barrier_var(off);
  if (off > MATCH_EVENT_MAX) {
    field->flags |= TRIGON_FIELD_UNREADABLE | TRIGON_FIELD_TRUNCATED;
    return NULL;
  }
  field->data.off = off;
  field->data.len = size;
  scratch->work.used = off + size;
  return (void *)scratch + off;
}

// A NUL behind the data, which the tries expect.
static __always_inline void fields_end(struct match_scratch *scratch) {
  u32 off = scratch->work.used;
  barrier_var(off);
  if (off > MATCH_EVENT_MAX) return;
  *((char *)scratch + off) = 0;
  scratch->work.used = off + 1;
}

static __always_inline void fields_bytes(struct match_scratch *scratch, struct trigon_field *field, u64 from, u64 size,
                                         u32 max) {
  u32 off = scratch->work.used;
  field->size = size > 0xffffffff ? 0xffffffff : size;
  if (max > TRIGON_MAX_PATH) max = TRIGON_MAX_PATH;
  if (size > max) {
    size = max;
    field->flags |= TRIGON_FIELD_TRUNCATED;
  }
  barrier_var(off);
  if (off > MATCH_EVENT_MAX) {
    field->flags |= TRIGON_FIELD_UNREADABLE | TRIGON_FIELD_TRUNCATED;
    return;
  }
  u32 len = size;
  barrier_var(len);
  if (len > TRIGON_MAX_PATH) return;
  if (base_read((void *)scratch + off, len, from)) {
    field->flags |= TRIGON_FIELD_UNREADABLE;
    return;
  }
  field->data.off = off;
  field->data.len = len;
  scratch->work.used = off + len;
  fields_end(scratch);
}

static __always_inline void fields_string(struct match_scratch *scratch, struct trigon_field *field, u64 from) {
  u32 off = scratch->work.used;
  barrier_var(off);
  if (off > MATCH_EVENT_MAX) {
    field->flags |= TRIGON_FIELD_UNREADABLE | TRIGON_FIELD_TRUNCATED;
    return;
  }
  long n = base_read_str((void *)scratch + off, TRIGON_MAX_PATH, from);
  if (n < 0) {
    field->flags |= TRIGON_FIELD_UNREADABLE;
    return;
  }
  if (n == 0) {  // before 6.16 an empty string counts 0 bytes, without its NUL
    *((char *)scratch + off) = 0;
    n = 1;
  }
  // 4,096 bytes with the NUL and nothing cut is PATH_MAX itself, which no system call accepts as a path.
  if (n >= TRIGON_MAX_PATH) field->flags |= TRIGON_FIELD_TRUNCATED;
  field->data.off = off;
  field->data.len = (n - 1) & (TRIGON_MAX_PATH - 1);
  scratch->work.used = off + ((n - 1) & (TRIGON_MAX_PATH - 1)) + 1;
}

// Where the object behind a path-like field has its path: work->dentry, work->mnt. False: it has none.
static __always_inline bool fields_path_of(struct match_work *work, u32 type, u64 value) {
  work->mnt = 0;
  work->dentry = value;
  if (type == TRIGON_ARG_DENTRY) return value != 0;
  struct path *path = (void *)value;
  struct file *file = (void *)value;
  if (type != TRIGON_ARG_PATH) {
    if (type == TRIGON_ARG_FD) file = (void *)fields_file_of_fd(value);
    if (type == TRIGON_ARG_KIOCB) file = BPF_CORE_READ((struct kiocb *)value, ki_filp);
    if (type == TRIGON_ARG_BINPRM) file = BPF_CORE_READ((struct linux_binprm *)value, file);
    if (!file) return false;
    work->dentry = (u64)base_member(file, cfg_btf_file, f_path.dentry);
    work->mnt = (u64)base_member(file, cfg_btf_file, f_path.mnt);
    return true;
  }
  if (!path) return false;
  work->dentry = (u64)BPF_CORE_READ(path, dentry);
  work->mnt = (u64)BPF_CORE_READ(path, mnt);
  return true;
}

static __always_inline bool fields_is_path(u32 type) {
  return type == TRIGON_ARG_FILE || type == TRIGON_ARG_PATH || type == TRIGON_ARG_DENTRY || type == TRIGON_ARG_KIOCB ||
         type == TRIGON_ARG_BINPRM || type == TRIGON_ARG_FD;
}

static __always_inline void fields_path(u32 at, struct match_scratch *scratch, struct trigon_field *field, u32 i,
                                        u32 type) {
  if (!fields_path_of(&scratch->work, type, field->value) || match_file_class(at)) {
    field->flags |= TRIGON_FIELD_UNREADABLE;
    return;
  }
  field->size = scratch->work.mode;
  scratch->work.class_of[i & (TRIGON_MAX_FIELDS - 1)] = scratch->work.class;
  scratch->work.post_of[i & (TRIGON_MAX_FIELDS - 1)] = scratch->work.class_post;
}

// Makes the text of a path-like field, if it has none so far.
TRIGON_GLOBAL int fields_text(u32 at, u32 i) {
  struct match_scratch *scratch = match_scratch(at);
  if (!scratch || i >= TRIGON_MAX_FIELDS) return 0;
  struct match_work *work = &scratch->work;
  struct trigon_field *field = &scratch->event.field[i];
  if (!fields_is_path(field->type) || (field->flags & TRIGON_FIELD_UNREADABLE) || field->data.off) return 0;
  if (!fields_path_of(work, field->type, field->value) || match_path_text(at)) {
    field->flags |= TRIGON_FIELD_UNREADABLE;
    return 0;
  }
  u32 path = work->path_off, len = work->path_len + 1, off = work->used;
  barrier_var(len);
  barrier_var(off);
  if (off > MATCH_EVENT_MAX || path >= TRIGON_MAX_PATH || len > TRIGON_MAX_PATH) {
    field->flags |= TRIGON_FIELD_TRUNCATED | TRIGON_FIELD_UNREADABLE;
    return 0;
  }
  bpf_probe_read_kernel((void *)scratch + off, len, &work->path[path]);
  field->path_flags = work->path_flags;
  field->data.off = off;
  field->data.len = len - 1;
  work->used = off + len;
  return 0;
}

// Bytes of the first segment of an iterator over user memory; others (kernel vectors, pages) have none to show.
static __always_inline void fields_iov_iter(struct match_scratch *scratch, struct trigon_field *field, u64 from,
                                            u32 max) {
  struct iov_iter *iter = (void *)from;
  u64 base = 0, size = 0, offset = BPF_CORE_READ(iter, iov_offset);
  if (bpf_core_field_exists(iter->iter_type)) {
    s32 kind = BPF_CORE_READ(iter, iter_type);
    if (bpf_core_field_exists(iter->ubuf) && kind == cfg_iter_ubuf) {
      base = (u64)BPF_CORE_READ(iter, ubuf);
      size = BPF_CORE_READ(iter, count);
    } else if (kind == cfg_iter_iovec) {
      const struct iovec *vector = bpf_core_field_exists(iter->__iov)
                                       ? BPF_CORE_READ(iter, __iov)
                                       : BPF_CORE_READ((struct iov_iter___iov *)from, iov);
      base = (u64)BPF_CORE_READ(vector, iov_base);
      size = BPF_CORE_READ(vector, iov_len) - offset;
    }
  } else if (BPF_CORE_READ((struct iov_iter___old *)from, type) & 4) {  // ITER_IOVEC (include/linux/uio.h of 5.10)
    const struct iovec *vector = BPF_CORE_READ((struct iov_iter___iov *)from, iov);
    base = (u64)BPF_CORE_READ(vector, iov_base);
    size = BPF_CORE_READ(vector, iov_len) - offset;
  }
  if (!base) {
    field->flags |= TRIGON_FIELD_UNREADABLE;
    return;
  }
  fields_bytes(scratch, field, base + offset, size, max);
}

// Vectors of one call that are joined; longer arrays are cut.
#define FIELDS_MAX_VECTORS 8

static __always_inline void fields_char_iovec(struct match_scratch *scratch, struct trigon_field *field, u64 from,
                                              u64 count, u32 max) {
  u32 start = scratch->work.used;
  u64 whole = 0;
  u32 kept = 0;
  if (max > TRIGON_MAX_PATH) max = TRIGON_MAX_PATH;
  for (u32 i = 0; i < FIELDS_MAX_VECTORS; i++) {
    struct {
      u64 base, size;
    } vector;
    if (i >= count) break;
    if (base_read(&vector, sizeof(vector), from + i * sizeof(vector))) {
      if (!i) field->flags |= TRIGON_FIELD_UNREADABLE;
      break;
    }
    whole += vector.size;
    u32 len = vector.size > max - kept ? max - kept : vector.size;
    u32 off = start + kept;
    barrier_var(off);
    if (off > MATCH_EVENT_MAX) break;
    barrier_var(len);
    if (len > TRIGON_MAX_PATH) break;
    if (base_read((void *)scratch + off, len, vector.base)) {
      field->flags |= TRIGON_FIELD_TRUNCATED;
      break;
    }
    kept += len;
    if (kept >= max) break;
  }
  if (count > FIELDS_MAX_VECTORS || kept < whole) field->flags |= TRIGON_FIELD_TRUNCATED;
  field->size = whole > 0xffffffff ? 0xffffffff : whole;
  field->data.off = start;
  field->data.len = kept;
  scratch->work.used = start + kept;
  fields_end(scratch);
}

// Of a buffer that a call has filled: what it says it has written. What the caller had room for beyond that is old
// memory.
static __always_inline u64 fields_filled(const struct match_work *work, u32 type, u32 size_arg, u64 size) {
  u64 filled = (s64)work->result > 0 ? work->result : 0;
  if (!size_arg || (type == TRIGON_ARG_CHAR_BUF && filled < size)) return filled;
  return size;
}

// A socket address of the user's (system calls) or the kernel's copy; without a size as long as its family says.
static __always_inline void fields_sockaddr(struct match_scratch *scratch, struct trigon_field *field, u64 from,
                                            u32 size_arg, u64 size, u32 max) {
  if (!size_arg) {
    u16 family = 0;
    if (base_read(&family, 2, from)) {
      field->flags |= TRIGON_FIELD_UNREADABLE;
      return;
    }
    size = family == AF_INET ? 16 : family == AF_INET6 ? 28 : family == AF_UNIX ? 110 : 2;
  }
  fields_bytes(scratch, field, from, (u32)size, max);
  if (size_arg || size != 110 || (field->flags & TRIGON_FIELD_UNREADABLE)) return;
  // A name whose length nobody told ends at its NUL: what lies behind is somebody else's memory.
  u32 off = field->data.off;
  barrier_var(off);
  if (off > MATCH_EVENT_MAX) return;
  u32 skip = *((char *)scratch + off + 2) ? 2 : 3;
  long n = bpf_probe_read_kernel_str(scratch->work.key.data, 108, (void *)scratch + off + skip);
  if (n <= 0 || n > 108) return;
  field->data.len = skip + (u32)n - 1;
  scratch->work.used = off + skip + (u32)n;
}

#define FIELDS_OBJECT(kind, read)                                               \
  {                                                                             \
    struct kind *object = fields_space(scratch, field, sizeof(*object));        \
    if (object && read(object, value)) field->flags |= TRIGON_FIELD_UNREADABLE; \
    break;                                                                      \
  }

// The field's type decides how `value` is taken. `objects`: whether the arguments can be the kernel's own objects,
// which those of system calls are not.
static __always_inline void fields_take(u32 at, struct match_scratch *scratch, struct trigon_field *field, u32 i,
                                        u32 type, u64 value, u32 size_arg, u64 size, u32 max, const bool objects) {
  field->type = type;
  field->flags = 0;
  field->data.off = 0;
  field->data.len = 0;
  field->path_flags = 0;
  field->size = 0;
  field->value = value;
  switch (type) {
    case TRIGON_ARG_INT32:
      field->value = (s64)(s32)value;
      return;
    case TRIGON_ARG_UINT32:
      field->value = (u32)value;
      return;
    case TRIGON_ARG_INT16:
      field->value = (s64)(s16)value;
      return;
    case TRIGON_ARG_UINT16:
      field->value = (u16)value;
      return;
    case TRIGON_ARG_INT8:
      field->value = (s64)(__s8)value;
      return;
    case TRIGON_ARG_UINT8:
      field->value = (u8)value;
      return;
    case TRIGON_ARG_SYSCALL:
      if (!objects)
        field->value = scratch->event.syscall | (scratch->event.syscall_abi == TRIGON_ABI_COMPAT32 ? 0x80000000 : 0);
      return;
    case TRIGON_ARG_STRING:
      return fields_string(scratch, field, value);
    case TRIGON_ARG_FD:
      field->value = (s64)(s32)value;
      return fields_path(at, scratch, field, i, type);
    case TRIGON_ARG_CHAR_BUF:
      return fields_bytes(scratch, field, value, size, max);
    case TRIGON_ARG_SOCKADDR:
      return fields_sockaddr(scratch, field, value, size_arg, size, max);
    case TRIGON_ARG_CHAR_IOVEC:
      return fields_char_iovec(scratch, field, value, size, max);
  }
  if (!objects) return;
  switch (type) {
    case TRIGON_ARG_FILENAME:
      return fields_string(scratch, field, (u64)BPF_CORE_READ((struct filename *)value, name));
    case TRIGON_ARG_NET_DEVICE:
      return fields_string(scratch, field, (u64)__builtin_preserve_access_index(&((struct net_device *)value)->name));
    case TRIGON_ARG_FILE:
    case TRIGON_ARG_PATH:
    case TRIGON_ARG_DENTRY:
    case TRIGON_ARG_KIOCB:
    case TRIGON_ARG_BINPRM:
      return fields_path(at, scratch, field, i, type);
    case TRIGON_ARG_IOV_ITER:
      return fields_iov_iter(scratch, field, value, max);
    case TRIGON_ARG_SKB:
      FIELDS_OBJECT(trigon_skb, read_skb)
    case TRIGON_ARG_SOCKET:
      value = (u64)BPF_CORE_READ((struct socket *)value, sk);
      FIELDS_OBJECT(trigon_sock, read_sock)
    case TRIGON_ARG_SOCK:
      FIELDS_OBJECT(trigon_sock, read_sock)
    case TRIGON_ARG_CRED:
      FIELDS_OBJECT(trigon_creds, read_cred)
    case TRIGON_ARG_USER_NS:
      FIELDS_OBJECT(trigon_user_ns, read_user_ns)
    case TRIGON_ARG_CAP_SET:
      if (bpf_probe_read_kernel(&field->value, 8, (void *)value)) field->flags |= TRIGON_FIELD_UNREADABLE;
      return;
    case TRIGON_ARG_LOAD_INFO:
      FIELDS_OBJECT(trigon_module, read_load_info)
    case TRIGON_ARG_MODULE:
      FIELDS_OBJECT(trigon_module, read_module)
    case TRIGON_ARG_BPF_ATTR:
      FIELDS_OBJECT(trigon_bpf_prog, read_bpf_attr)
    case TRIGON_ARG_BPF_PROG:
      FIELDS_OBJECT(trigon_bpf_prog, read_bpf_prog)
    case TRIGON_ARG_BPF_MAP:
      FIELDS_OBJECT(trigon_bpf_map, read_bpf_map)
    case TRIGON_ARG_PERF_EVENT:
      FIELDS_OBJECT(trigon_perf_event, read_perf_event)
    case TRIGON_ARG_DATA_LOC:  // offset in the record in the low half, length in the high (trace_events.h)
      return fields_string(scratch, field, scratch->work.registers + (value & 0xffff));
  }
}

#endif
