// open_storm THREADS COUNT PATH: each thread opens PATH for reading COUNT times, as fast as it can, and closes it.
// Says the time of one open and close (wall and processor), and how many opens there were.
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "truth.h"

static long count;
static const char* path;
static pthread_barrier_t start;

static void* run(void* failures) {
  long failed = 0;
  pthread_barrier_wait(&start);
  for (long i = 0; i < count; i++) {
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
    if (fd < 0)
      failed++;
    else
      close(fd);
  }
  *(long*)failures = failed;
  return NULL;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  long threads = atol(argv[1]), failed = 0;
  count = atol(argv[2]);
  if (threads < 1 || count < 1) return 2;
  path = argv[3];
  pthread_t* thread = calloc(threads, sizeof(*thread));
  long* failures = calloc(threads, sizeof(*failures));
  if (!thread || !failures || pthread_barrier_init(&start, NULL, threads + 1)) broken("start");
  for (long i = 0; i < threads; i++)
    if (pthread_create(&thread[i], NULL, run, &failures[i])) broken("pthread_create");
  struct rusage usage[2];
  getrusage(RUSAGE_SELF, &usage[0]);
  uint64_t wall = now_ns();
  pthread_barrier_wait(&start);
  for (long i = 0; i < threads; i++) {
    pthread_join(thread[i], NULL);
    failed += failures[i];
  }
  wall = now_ns() - wall;
  getrusage(RUSAGE_SELF, &usage[1]);
  uint64_t cpu = 0;
  for (int i = 0; i < 2; i++) {
    uint64_t ns = (usage[i].ru_utime.tv_sec + usage[i].ru_stime.tv_sec) * 1000000000ull +
                  (usage[i].ru_utime.tv_usec + usage[i].ru_stime.tv_usec) * 1000ull;
    cpu = i ? ns - cpu : ns;
  }
  fact_begin("open_storm");
  fact_int("pid", outer_pid());
  fact_int("opens", threads * count);
  fact_int("failed", failed);
  fact_uint("wall_ns", wall);
  fact_uint("cpu_ns", cpu);
  fact_uint("wall_ns_per_open", wall / count);
  fact_uint("cpu_ns_per_open", cpu / (threads * count));
  fact_end();
  return 0;
}
