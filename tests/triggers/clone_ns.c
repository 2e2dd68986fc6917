// clone_ns NAME… (user pid uts ipc mnt net cgroup): `self` in a child that was cloned into new namespaces of these
// kinds.
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "truth.h"

static const struct {
  const char* name;
  unsigned long flag;
} kinds[] = {{"user", CLONE_NEWUSER}, {"pid", CLONE_NEWPID}, {"uts", CLONE_NEWUTS},      {"ipc", CLONE_NEWIPC},
             {"mnt", CLONE_NEWNS},    {"net", CLONE_NEWNET}, {"cgroup", CLONE_NEWCGROUP}};

int main(int argc, char** argv) {
  unsigned long flags = 0;
  for (int i = 1; i < argc; i++)
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
      if (!strcmp(argv[i], kinds[k].name)) flags |= kinds[k].flag;
  const char* self = self_path();
  pid_t child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
  if (child < 0) unsupported("clone");
  if (!child) {
    char *args[] = {"self", "in new namespaces", NULL}, *env[] = {NULL};
    execve(self, args, env);
    _exit(70);
  }
  fact_child("cloned", child, wait_for(child));
  return 0;
}
