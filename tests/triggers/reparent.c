// A child that has run `self` outlives its parent: who started it must not change with who inherits it.
#include <sys/prctl.h>

#include "truth.h"

int main(void) {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) unsupported("PR_SET_CHILD_SUBREAPER");
  int hold[2];
  if (pipe(hold)) broken("pipe");
  pid_t middle = fork();
  if (middle < 0) broken("fork");
  if (!middle) {
    pid_t survivor = fork();
    if (survivor < 0) broken("fork");
    if (!survivor) {
      dup2(hold[0], 0);
      close(hold[1]);
      char *argv[] = {"self", "--pause", NULL}, *env[] = {NULL};
      execve(self_path(), argv, env);
      _exit(70);
    }
    fact_begin("fork");
    fact_int("parent", outer_pid());
    fact_int("child", survivor);
    fact_end();
    usleep(20000);
    _exit(0);
  }
  fact_child("middle", middle, wait_for(middle));
  close(hold[0]);
  close(hold[1]);
  int status;
  pid_t survivor = waitpid(-1, &status, 0);
  if (survivor < 0) broken("waitpid");
  fact_child("survivor", survivor, status);
  return 0;
}
