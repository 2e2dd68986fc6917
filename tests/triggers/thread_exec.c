// A thread that is not the leader runs `self`: pid and start stay, its tid becomes the pid.
#include <pthread.h>
#include <sys/syscall.h>

#include "truth.h"

static void* run(void* path) {
  fact_begin("thread");
  fact_int("pid", outer_pid());
  fact_int("tid", syscall(SYS_gettid));
  fact_end();
  char *argv[] = {"self", "by a thread", NULL}, *env[] = {NULL};
  execve(path, argv, env);
  broken("execve");
}

int main(void) {
  pthread_t thread;
  char* path = strdup(self_path());
  if (pthread_create(&thread, NULL, run, path)) broken("pthread_create");
  pthread_join(thread, NULL);
  return 70;
}
