#include <malloc.h>

#include "cli/cli.h"

int main(int argc, char** argv) {
  // Loading takes blocks of megabytes once; with a fixed threshold they go back to the kernel and do not raise it.
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  mallopt(M_TRIM_THRESHOLD, 256 << 10);
  return trigon::cli::run(argc, argv);
}
