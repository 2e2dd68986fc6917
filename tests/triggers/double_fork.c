// Forks a child that forks a grandchild and exits; the grandchild runs `self` once it has been given to another parent.
// This process ends last, so that nothing of it is left.
#include <sys/prctl.h>

#include "truth.h"

int main(void) {
  // The orphan comes to us, and we can wait for it.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) unsupported("PR_SET_CHILD_SUBREAPER");
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (!child) {
    pid_t middle = outer_pid();
    pid_t grandchild = fork();
    if (grandchild < 0) broken("fork");
    if (!grandchild) {
      while (getppid() == middle) usleep(1000);
      char *argv[] = {"self", "orphan", NULL}, *env[] = {NULL};
      execve(self_path(), argv, env);
      _exit(70);
    }
    fact_begin("fork");
    fact_int("parent", middle);
    fact_int("child", grandchild);
    fact_end();
    _exit(3);
  }
  fact_begin("fork");
  fact_int("parent", outer_pid());
  fact_int("child", child);
  fact_end();
  fact_child("middle", child, wait_for(child));
  int status;
  pid_t orphan = waitpid(-1, &status, 0);
  if (orphan < 0) broken("waitpid");
  fact_child("orphan", orphan, status);
  return 0;
}
