// Runs a copy of `self` whose last name has been removed before.
#include "truth.h"

int main(void) {
  char *folder = make_folder(), path[4200];
  snprintf(path, sizeof(path), "%s/vanished", folder);
  copy_file(self_path(), path, 0755);
  int fd = open(path, O_RDONLY);
  if (fd < 0) broken(path);
  unlink(path);
  rmdir(folder);
  fact_begin("deleted");
  fact_text("path", path);
  fact_end();
  char link[64];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  char *argv[] = {"vanished", NULL}, *env[] = {NULL};
  execve(link, argv, env);
  unsupported("execve");
}
