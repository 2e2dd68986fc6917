// thread_leader_exits_first group|thread: the leader ends with 7 at once; 50 ms later another thread ends everything
// with exit_group(9), or only itself with exit(5), so that the process ends with the leader's code.
#include <pthread.h>
#include <sys/syscall.h>

#include "truth.h"

static int group;

static void* run(void* unused) {
  (void)unused;
  usleep(50000);
  fact_begin("last_thread");
  fact_int("pid", getpid());
  fact_int("tid", syscall(SYS_gettid));
  fact_uint("now_ns", now_ns());
  fact_end();
  if (group) syscall(SYS_exit_group, 9);
  syscall(SYS_exit, 5);
  return NULL;
}

int main(int argc, char** argv) {
  group = argc > 1 && !strcmp(argv[1], "group");
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (!child) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, NULL)) _exit(70);
    syscall(SYS_exit, 7);
  }
  fact_child("threads", child, wait_for(child));
  return 0;
}
