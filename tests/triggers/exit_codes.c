// exit_codes CODE…: a child for each that ends with it.
#include "truth.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    pid_t child = fork();
    if (child < 0) broken("fork");
    if (!child) _exit(atoi(argv[i]));
    fact_child(argv[i], child, wait_for(child));
  }
  return 0;
}
