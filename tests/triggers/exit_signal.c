// exit_signal SIGNAL…: a child for each that dies of it (numbers).
#include <signal.h>
#include <sys/resource.h>

#include "truth.h"

int main(int argc, char** argv) {
  struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  for (int i = 1; i < argc; i++) {
    pid_t child = fork();
    if (child < 0) broken("fork");
    if (!child) {
      signal(atoi(argv[i]), SIG_DFL);
      raise(atoi(argv[i]));
      pause();
      _exit(70);
    }
    fact_child(argv[i], child, wait_for(child));
  }
  return 0;
}
