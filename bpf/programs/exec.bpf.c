// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Program execution.
//
//   tp_btf/sched_process_exec   after the point of no return: new credentials and memory are in place, the new image
//                               has not run an instruction
//
// Seen: every successful execve/execveat, from any ABI and io-wq, of files, scripts, memfds and deleted files, with
// the object that the kernel resolved. An attacker may race the renaming of a directory with the path walk (the text
// then mixes two valid names); the inode, device and generation beside it cannot be raced.
// Not seen: a failed exec, and code that runs without one (dlopen, JIT, ptrace injection).
#include "bpf/lib/emit/ring.h"
#include "bpf/lib/match/state.h"
#include "bpf/lib/read/image.h"
#include "bpf/lib/read/task.h"

// User memory straight into the ring. 5.10 reserves constant sizes only, hence the classes.
#define EXEC_DATA_CLASS(name, capacity)                                                                      \
  static __noinline int name(struct trigon_counters *counters, u64 start, u32 len, u32 what, u64 start_ns) { \
    struct trigon_exec_data *data = bpf_ringbuf_reserve(&tri_ring, sizeof(*data) + (capacity), 0);           \
    int err;                                                                                                 \
    base_count(&counters->produced[TRIGON_REC_EXEC_DATA]);                                                   \
    if (!data) {                                                                                             \
      emit_lost(counters, TRIGON_REC_EXEC_DATA);                                                             \
      return -1;                                                                                             \
    }                                                                                                        \
    u64 id = bpf_get_current_pid_tgid();                                                                     \
    emit_header(&data->rec, counters, TRIGON_REC_EXEC_DATA, id >> 32, id, start_ns);                         \
    data->rec.size = sizeof(*data) + (capacity);                                                             \
    data->what = what;                                                                                       \
    if (len > (capacity)) len = (capacity);                                                                  \
    err = bpf_probe_read_user(data + 1, len, (void *)start);                                                 \
    data->len = err ? 0 : len;                                                                               \
    bpf_ringbuf_submit(data, BPF_RB_NO_WAKEUP);                                                              \
    return err ? -2 : 0;                                                                                     \
  }
EXEC_DATA_CLASS(exec_data_4k, 4096)
EXEC_DATA_CLASS(exec_data_32k, 32768)
EXEC_DATA_CLASS(exec_data_128k, 131072)

// Returns flags to set: 0 or the two given.
static __always_inline u32 exec_data(struct trigon_counters *counters, u64 start, u64 len, u32 what, u64 start_ns,
                                     u32 flag_data, u32 flag_trunc, u32 flag_error) {
  int err;
  u32 flags = 0;
  if (len > TRIGON_MAX_ARGS) {
    len = TRIGON_MAX_ARGS;
    flags = flag_trunc;
  }
  if (len <= 4096)
    err = exec_data_4k(counters, start, len, what, start_ns);
  else if (len <= 32768)
    err = exec_data_32k(counters, start, len, what, start_ns);
  else
    err = exec_data_128k(counters, start, len, what, start_ns);
  if (err == -1) return flag_trunc;
  if (err) return flag_error;
  return flags | flag_data;
}

// What raised privileges, judged by what is left to see after the commit: the file's bits, the ids that took hold and
// AT_SECURE, which the kernel sets when an exec changed an id or gained capabilities (cap_bprm_creds_from_file).
static __always_inline u32 exec_raised(const struct trigon_exec *event) {
  const struct trigon_creds *creds = &event->task.creds;
  u32 flags = 0;
  if (!(event->flags & TRIGON_EXEC_SECURE)) return 0;
  if ((event->file.mode & S_ISUID) && creds->euid == event->file.uid && creds->uid != creds->euid)
    flags |= TRIGON_EXEC_RAISED_SETUID;
  if ((event->file.mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && creds->egid == event->file.gid &&
      creds->gid != creds->egid)
    flags |= TRIGON_EXEC_RAISED_SETGID;
  if (creds->euid && (creds->cap_permitted & ~creds->cap_ambient)) flags |= TRIGON_EXEC_RAISED_FILE_CAP;
  return flags;
}

static __always_inline int exec_body(struct task_struct *task, u32 old_tid, struct linux_binprm *bprm) {
  task = base_untrusted(task, cfg_btf_task);
  bprm = base_untrusted(bprm, cfg_btf_binprm);
  struct image_scratch *scratch = image_scratch(IMAGE_OF_EXEC);
  struct trigon_counters *counters = base_counters();
  if (!scratch || !counters) return 0;
  struct trigon_exec *event = &scratch->event;
  void *base = scratch;
  struct file *file = bprm->file;
  struct fs_struct *fs = task->fs;
  struct mm_struct *mm = task->mm;
  u64 start_ns = task->group_leader->start_boottime;
  u32 off = IMAGE_FIXED;

  read_task(&event->task, task);
  read_task_file(&event->file, file);
  event->flags = 0;
  event->old_tid = old_tid;
  if (old_tid != (u32)task->pid) event->flags |= TRIGON_EXEC_BY_THREAD;
  if (BPF_CORE_READ_BITFIELD(bprm, secureexec)) event->flags |= TRIGON_EXEC_SECURE;
  event->flags |= exec_raised(event);

  off = image_path_read(IMAGE_OF_EXEC, IMAGE_EXE, read_path_start(&scratch->walk, &fs->root, &file->f_path), off);
  if (!event->file.nlink) event->exe.flags |= TRIGON_PATH_UNLINKED;
  off = image_path_read(IMAGE_OF_EXEC, IMAGE_CWD, read_path_start(&scratch->walk, &fs->root, &fs->pwd), off);
  if (!event->cwd.components && !event->cwd.flags) event->flags |= TRIGON_EXEC_ROOT_CWD;

  barrier_var(off);
  if (off > IMAGE_AFTER_PATHS) return 0;  // cannot be: for the verifier
  long n = bpf_probe_read_kernel_str(base + off, TRIGON_MAX_PATH, bprm->filename);
  u32 len = n > 0 ? n - 1 : 0;
  event->filename.off = off;
  event->filename.len = len & (TRIGON_MAX_PATH - 1);
  off += len & (TRIGON_MAX_PATH - 1);
  event->interp.off = 0;
  event->interp.len = 0;
  if (bprm->interp != bprm->filename) {
    if (bprm->fdpath && bprm->interp == bprm->fdpath) {
      event->flags |= TRIGON_EXEC_FDPATH;
    } else {
      event->flags |= TRIGON_EXEC_SCRIPT;
      barrier_var(off);
      if (off > IMAGE_AFTER_NAME) return 0;
      n = bpf_probe_read_kernel_str(base + off, TRIGON_MAX_NAME, bprm->interp);
      len = n > 0 ? n - 1 : 0;
      event->interp.off = off;
      event->interp.len = len & (TRIGON_MAX_NAME - 1);
      off += len & (TRIGON_MAX_NAME - 1);
    }
  }

  u64 args = mm->arg_start;
  u64 size = mm->arg_end - args;
  event->args.off = off;
  event->args.len = 0;
  event->args_size = size;
  if (size <= TRIGON_EXEC_INLINE_ARGS) {
    len = size;
    barrier_var(off);
    if (off > IMAGE_AFTER_INTERP) return 0;
    barrier_var(len);
    if (len > TRIGON_EXEC_INLINE_ARGS) return 0;
    if (bpf_probe_read_user(base + off, len, (void *)args)) {
      event->flags |= TRIGON_EXEC_ERROR_ARGS;
    } else {
      event->args.len = len;
      off += len;
    }
  } else {
    event->flags |= exec_data(counters, args, size, TRIGON_DATA_ARGS, start_ns, TRIGON_EXEC_ARGS_DATA,
                              TRIGON_EXEC_TRUNC_ARGS, TRIGON_EXEC_ERROR_ARGS);
  }
  event->env.off = 0;
  event->env.len = 0;
  event->env_size = 0;
  if (cfg_env) {
    args = mm->env_start;
    size = mm->env_end - args;
    event->env_size = size;
    if (size)
      event->flags |= exec_data(counters, args, size, TRIGON_DATA_ENV, start_ns, TRIGON_EXEC_ENV_DATA,
                                TRIGON_EXEC_TRUNC_ENV, TRIGON_EXEC_ERROR_ENV);
  }

  emit_header(&event->rec, counters, TRIGON_REC_EXEC, task->tgid, task->pid, start_ns);
  barrier_var(off);
  if (off > IMAGE_MAX) return 0;
  emit_output(&event->rec, counters, off);
  return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, s32 old_pid, struct linux_binprm *bprm) {
  state_forget_image(task);
  return exec_body(task, old_pid, bprm);
}
