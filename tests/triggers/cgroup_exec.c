// cgroup_exec [PATH [CONTROLLER]]: makes a cgroup of that path, runs `self` in it and removes it. In the unified
// hierarchy, wherever that is mounted, or in the v1 hierarchy of that controller; the fact "cgroup" says the path from
// the hierarchy's root and the id.
#include <sys/stat.h>

#include "truth.h"

// Mount point of cgroup2, or of the v1 hierarchy of `controller`.
static int find_hierarchy(const char* controller, char* path, size_t size) {
  char line[4096], type[64], where[2048], options[1024];
  FILE* mounts = fopen("/proc/mounts", "r");
  int found = 0;
  while (mounts && !found && fgets(line, sizeof(line), mounts)) {
    if (sscanf(line, "%*s %2047s %63s %1023s", where, type, options) != 3) continue;
    if (controller ? !strcmp(type, "cgroup") && strstr(options, controller) : !strcmp(type, "cgroup2"))
      found = snprintf(path, size, "%s", where) > 0;
  }
  if (mounts) fclose(mounts);
  return found;
}

// Each level of root + path that is missing; how many levels that were.
static int make_levels(const char* root, const char* path) {
  char folder[8192];
  int made = 0;
  for (const char* at = path; *at;) {
    const char* end = strchrnul(at + 1, '/');
    snprintf(folder, sizeof(folder), "%s%.*s", root, (int)(end - path), path);
    if (!mkdir(folder, 0755))
      made++;
    else if (errno != EEXIST)
      unsupported("mkdir");
    at = end;
  }
  return made;
}

static void remove_levels(const char* root, const char* path, int levels) {
  char folder[8192];
  snprintf(folder, sizeof(folder), "%s%s", root, path);
  for (; levels > 0; levels--) {
    // The last process may still be on its way out.
    for (int i = 0; i < 100 && rmdir(folder) && errno == EBUSY; i++) usleep(10000);
    *strrchr(folder, '/') = 0;
  }
}

int main(int argc, char** argv) {
  char root[2048], folder[8192], procs[8300];
  const char* path = argc > 1 ? argv[1] : "/trigon_trigger";
  const char* controller = argc > 2 ? argv[2] : NULL;
  struct stat info;
  if (!find_hierarchy(controller, root, sizeof(root))) unsupported("no such cgroup hierarchy is mounted");
  int levels = make_levels(root, path);
  snprintf(folder, sizeof(folder), "%s%s", root, path);
  snprintf(procs, sizeof(procs), "%s/cgroup.procs", folder);
  if (stat(folder, &info)) broken("stat");
  fact_begin("cgroup");
  fact_text("path", path);
  fact_uint("id", info.st_ino);
  fact_end();
  pid_t child = fork();
  if (child < 0) broken("fork");
  if (!child) {
    int fd = open(procs, O_WRONLY);
    if (fd < 0 || write(fd, "0", 1) != 1) unsupported("cgroup.procs");
    close(fd);
    char *args[] = {"self", "in a cgroup", NULL}, *env[] = {NULL};
    execve(self_path(), args, env);
    _exit(70);
  }
  int status = wait_for(child);
  fact_child("cgroup", child, status);
  remove_levels(root, path, levels);
  return 0;
}
