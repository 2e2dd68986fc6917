// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Processes that were there before the agent.
//
//   iter/task   run once after the tracepoints are attached, so that nothing falls between the two
//
// One struct trigon_exec of kind TRIGON_REC_SNAPSHOT per process, written to the iterator's file. Arguments are not
// here: another process's memory cannot be read from a program that does not sleep; the reader takes them from procfs.
#include "bpf/lib/emit/ring.h"
#include "bpf/lib/read/image.h"
#include "bpf/lib/read/task.h"

SEC("iter/task")
int snapshot(struct bpf_iter__task *ctx) {
  struct task_struct *task = ctx->task;
  if (!task) return 0;
  if (task->pid != task->tgid) return 0;
  task = base_untrusted(task, cfg_btf_task);
  struct image_scratch *scratch = image_scratch(IMAGE_OF_SNAPSHOT);
  struct trigon_counters *counters = base_counters();
  if (!scratch || !counters) return 0;
  struct trigon_exec *event = &scratch->event;
  u32 off = IMAGE_FIXED;
  struct fs_struct *fs = task->fs;
  struct mm_struct *mm = task->mm;

  __builtin_memset(event, 0, sizeof(*event));
  read_task(&event->task, task);
  if (mm && fs) {
    struct file *file = mm->exe_file;
    if (file) {
      read_task_file(&event->file, file);
      off =
          image_path_read(IMAGE_OF_SNAPSHOT, IMAGE_EXE, read_path_start(&scratch->walk, &fs->root, &file->f_path), off);
      if (!event->file.nlink) event->exe.flags |= TRIGON_PATH_UNLINKED;
    }
    off = image_path_read(IMAGE_OF_SNAPSHOT, IMAGE_CWD, read_path_start(&scratch->walk, &fs->root, &fs->pwd), off);
    if (!event->cwd.components && !event->cwd.flags) event->flags |= TRIGON_EXEC_ROOT_CWD;
  } else {
    // A kernel thread or a zombie: its name is all there is.
    event->flags |= TRIGON_EXEC_NO_CWD;
    long n = bpf_probe_read_kernel_str((void *)scratch + off, TASK_COMM_LEN, task->comm);
    u32 len = n > 0 ? (n - 1) & (TASK_COMM_LEN - 1) : 0;
    event->filename.off = off;
    event->filename.len = len;
    off += len;
  }
  emit_header(&event->rec, counters, TRIGON_REC_SNAPSHOT, task->tgid, task->pid, task->start_boottime);
  barrier_var(off);
  if (off > IMAGE_AFTER_PATHS) return 0;
  event->rec.size = off;
  bpf_seq_write(ctx->meta->seq, event, off);
  return 0;
}
