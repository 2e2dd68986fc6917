// open_each DIR COUNT: makes COUNT files in DIR without opening them, then opens and closes each once. Says the
// processor time of one such open and close of a file that nobody has opened before.
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "truth.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const long count = atol(argv[2]);
  if (count < 1 || count > 1000000) return 2;
  char path[4096];
  for (long i = 0; i < count; i++) {
    snprintf(path, sizeof(path), "%s/file-%ld", argv[1], i);
    unlink(path);
    if (mknod(path, S_IFREG | 0600, 0) != 0) broken("mknod");
  }
  struct timespec begin, end;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
  for (long i = 0; i < count; i++) {
    snprintf(path, sizeof(path), "%s/file-%ld", argv[1], i);
    const int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
    if (fd < 0) broken("open");
    close(fd);
  }
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
  for (long i = 0; i < count; i++) {
    snprintf(path, sizeof(path), "%s/file-%ld", argv[1], i);
    unlink(path);
  }
  fact_begin("open_each");
  fact_int("opens", count);
  fact_uint("cpu_ns", (end.tv_sec - begin.tv_sec) * 1000000000ull + end.tv_nsec - begin.tv_nsec);
  fact_end();
  return 0;
}
