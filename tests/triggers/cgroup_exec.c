// cgroup_exec [NAME]: makes a cgroup of that name, runs `self` in it and removes it. In the unified hierarchy, wherever
// that is mounted; the fact "cgroup" says the path from its root and the id.
#include <sys/stat.h>

#include "truth.h"

// Mount points of cgroup2, as /proc/mounts has them.
static int find_cgroup2(char* path, size_t size) {
  char line[4096], type[64], where[4096];
  FILE* mounts = fopen("/proc/mounts", "r");
  int found = 0;
  while (mounts && !found && fgets(line, sizeof(line), mounts))
    if (sscanf(line, "%*s %4095s %63s", where, type) == 2 && !strcmp(type, "cgroup2"))
      found = snprintf(path, size, "%s", where) > 0;
  if (mounts) fclose(mounts);
  return found;
}

int main(int argc, char** argv) {
  char root[4096], folder[8192], procs[8300];
  const char* name = argc > 1 ? argv[1] : "trigon_trigger";
  struct stat info;
  if (!find_cgroup2(root, sizeof(root))) unsupported("no cgroup2 mount");
  snprintf(folder, sizeof(folder), "%s/%s_%d", root, name, outer_pid());
  snprintf(procs, sizeof(procs), "%s/cgroup.procs", folder);
  if (mkdir(folder, 0755)) unsupported("mkdir");
  if (stat(folder, &info)) broken("stat");
  fact_begin("cgroup");
  fact_text("path", folder + strlen(root));
  fact_uint("id", info.st_ino);
  fact_end();
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (!child) {
    int fd = open(procs, O_WRONLY);
    if (fd < 0 || write(fd, "0", 1) != 1) _exit(70);
    close(fd);
    char *args[] = {"self", "in a cgroup", NULL}, *env[] = {NULL};
    execve(self_path(), args, env);
    _exit(70);
  }
  fact_child("cgroup", child, wait_for(child));
  for (int i = 0; i < 100 && rmdir(folder); i++) usleep(10000);
  return 0;
}
