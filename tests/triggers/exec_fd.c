// exec_fd empty|relative: execveat of a descriptor of `self`, or of its name relative to a folder's descriptor.
#include <sys/syscall.h>

#include "truth.h"

int main(int argc, char** argv) {
  char *args[] = {"by descriptor", "x", NULL}, *env[] = {NULL};
  if (argc > 1 && !strcmp(argv[1], "relative")) {
    int folder = open(trigger_folder(), O_PATH | O_DIRECTORY);
    if (folder < 0) broken("open");
    syscall(SYS_execveat, folder, "self", args, env, 0);
  } else {
    int fd = open(self_path(), O_PATH | O_CLOEXEC);
    if (fd < 0) broken("open");
    syscall(SYS_execveat, fd, "", args, env, AT_EMPTY_PATH);
  }
  unsupported("execveat");
}
