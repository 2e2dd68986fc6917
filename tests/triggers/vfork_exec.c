// vfork, then `self` in the child.
#include "truth.h"

int main(void) {
  const char* self = self_path();
  char *argv[] = {"self", "after vfork", NULL}, *env[] = {NULL};
  pid_t child = vfork();
  if (!child) {
    execve(self, argv, env);
    _exit(70);
  }
  if (child < 0) broken("vfork");
  fact_child("vfork", child, wait_for(child));
  return 0;
}
