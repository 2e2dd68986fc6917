// Writes a script whose interpreter is `self` and runs it, by its absolute name.
#include "truth.h"

int main(void) {
  char *folder = make_folder(), path[4200], text[4300];
  snprintf(path, sizeof(path), "%s/script", folder);
  int n = snprintf(text, sizeof(text), "#!%s -of script\nnot read by anybody\n", self_path());
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755);
  if (fd < 0 || write(fd, text, n) != n || close(fd)) broken(path);
  fact_begin("script");
  fact_text("path", path);
  fact_text("interpreter", self_path());
  fact_end();
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (!child) {
    char *argv[] = {"lost", "first", "second one", NULL}, *env[] = {NULL};
    execve(path, argv, env);
    unsupported("execve");
  }
  fact_child("script", child, wait_for(child));
  unlink(path);
  rmdir(folder);
  return 0;
}
