// setuid_exec setuid|setgid|filecap|plain: as nobody, runs a copy of `self` that belongs to root and has that bit.
#include <grp.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "truth.h"

#define NOBODY 65534

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "setuid";
  char *folder = make_folder(), path[4200];
  mode_t mode = !strcmp(how, "setuid") ? 04755 : !strcmp(how, "setgid") ? 02755 : 0755;
  snprintf(path, sizeof(path), "%s/raised", folder);
  if (chmod(folder, 0755)) broken("chmod");
  copy_file(self_path(), path, mode);
  if (!strcmp(how, "filecap")) {
    struct vfs_cap_data caps = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE};
    caps.data[0].permitted = 1 << CAP_NET_RAW;
    if (setxattr(path, "security.capability", &caps, XATTR_CAPS_SZ_2, 0)) {
      unlink(path);
      rmdir(folder);
      unsupported("security.capability");
    }
  }
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (!child) {
    if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)) broken("setuid");
    char *args[] = {"raised", (char*)how, NULL}, *env[] = {NULL};
    execve(path, args, env);
    _exit(70);
  }
  fact_child(how, child, wait_for(child));
  unlink(path);
  rmdir(folder);
  return 0;
}
