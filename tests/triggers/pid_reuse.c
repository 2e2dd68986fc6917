// pid_reuse ROUNDS: runs `self` several times, always under the same pid (clone3 with set_tid).
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "truth.h"

static pid_t clone_as(pid_t pid) {
  struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&pid, .set_tid_size = 1};
  return syscall(SYS_clone3, &args, sizeof(args));
}

int main(int argc, char** argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 2;
  // A pid that has just been free.
  pid_t pid = fork();
  if (pid < 0) broken("fork");
  if (!pid) _exit(0);
  wait_for(pid);
  for (int i = 0; i < rounds; i++) {
    char number[16];
    snprintf(number, sizeof(number), "%d", i);
    pid_t child = clone_as(pid);
    if (child < 0) unsupported("clone3 with set_tid");
    if (!child) {
      char *args[] = {"self", "round", number, NULL}, *env[] = {NULL};
      execve(self_path(), args, env);
      _exit(70);
    }
    fact_child(number, child, wait_for(child));
  }
  return 0;
}
