// Runs a copy of `self` inside a chroot. What its path is there and outside is in the fact "chroot".
#include <sys/stat.h>

#include "truth.h"

int main(void) {
  char *root = make_folder(), bin[4200], program[4300];
  snprintf(bin, sizeof(bin), "%s/bin", root);
  snprintf(program, sizeof(program), "%s/inner", bin);
  if (mkdir(bin, 0755)) broken(bin);
  copy_file(self_path(), program, 0755);
  fact_begin("chroot");
  fact_text("root", root);
  fact_text("inside", "/bin/inner");
  fact_text("outside", program);
  fact_end();
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (!child) {
    char *argv[] = {"/bin/inner", "jailed", NULL}, *env[] = {NULL};
    if (chroot(root)) unsupported("chroot");
    if (chdir("/bin")) broken("chdir");
    execve("/bin/inner", argv, env);
    _exit(70);
  }
  fact_child("inner", child, wait_for(child));
  unlink(program);
  rmdir(bin);
  rmdir(root);
  return 0;
}
