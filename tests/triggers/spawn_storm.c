// spawn_storm N PROGRAM: posix_spawn and waitpid, N times. Says the wall time and the processor time of this process
// and of the spawned ones together.
#include <spawn.h>
#include <sys/resource.h>
#include <time.h>

#include "truth.h"

extern char** environ;

static uint64_t children_ns(void) {
  struct rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000ull +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ull;
}

static uint64_t own_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  long count = atol(argv[1]);
  char* args[] = {argv[2], NULL};
  uint64_t wall = now_ns(), own = own_ns(), children = children_ns();
  for (long i = 0; i < count; i++) {
    pid_t child;
    int status;
    errno = posix_spawn(&child, argv[2], NULL, NULL, args, environ);
    if (errno) broken("posix_spawn");
    if (waitpid(child, &status, 0) != child) broken("waitpid");
    if (status) return 1;
  }
  wall = now_ns() - wall, own = own_ns() - own, children = children_ns() - children;
  fact_begin("spawn_storm");
  fact_int("pid", outer_pid());
  fact_int("count", count);
  fact_uint("wall_ns", wall);
  fact_uint("own_cpu_ns", own);
  fact_uint("children_cpu_ns", children);
  fact_end();
  return 0;
}
