// getppid_storm N: N times the cheapest system call. Says what one cost.
#include <sys/syscall.h>
#include <time.h>

#include "truth.h"

int main(int argc, char** argv) {
  long count = argc > 1 ? atol(argv[1]) : 1000000;
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  uint64_t cpu = t.tv_sec * 1000000000ull + t.tv_nsec;
  uint64_t wall = now_ns();
  for (long i = 0; i < count; i++) syscall(SYS_getppid);
  wall = now_ns() - wall;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  cpu = t.tv_sec * 1000000000ull + t.tv_nsec - cpu;
  fact_begin("getppid_storm");
  fact_int("count", count);
  fact_uint("wall_ns", wall);
  fact_uint("cpu_ns", cpu);
  fact_uint("picoseconds_per_call", cpu * 1000 / (count ? count : 1));
  fact_end();
  return 0;
}
