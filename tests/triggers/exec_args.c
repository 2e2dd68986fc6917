// exec_args plain ARG… | special | none | big COUNT SIZE | env COUNT SIZE
// Runs `self` in this process with the vector asked for. big: COUNT arguments of SIZE bytes each.
#include "truth.h"

static char* filled(size_t size, int number) {
  char* text = malloc(size + 1);
  if (!text) broken("malloc");
  for (size_t i = 0; i < size; i++) text[i] = 'a' + (i + number) % 26;
  text[size] = 0;
  return text;
}

static char** vector(const char* first, int count, size_t size) {
  char** list = calloc(count + 2, sizeof(*list));
  int used = 0;
  if (!list) broken("calloc");
  if (first) list[used++] = strdup(first);
  for (int i = 0; i < count; i++) list[used++] = filled(size, i);
  return list;
}

int main(int argc, char** argv) {
  char* self = strdup(self_path());
  const char* mode = argc > 1 ? argv[1] : "plain";
  int count = argc > 2 ? atoi(argv[2]) : 1;
  size_t size = argc > 3 ? strtoul(argv[3], NULL, 10) : 16;
  char* no_environment[] = {NULL};
  char* special[] = {self,
                     "",
                     "two words",
                     "tab\there",
                     "line\nfeed",
                     "double \"quotes\"",
                     "single 'quotes'",
                     "back\\slash",
                     "$HOME `id` * ?",
                     "caf\xc3\xa9",           // UTF-8
                     "bad \xff\xfe\xc3 end",  // not UTF-8
                     "\x01\x02\x1b[31m",      // control characters
                     "",
                     NULL};
  if (!strcmp(mode, "special")) {
    execve(self, special, no_environment);
  } else if (!strcmp(mode, "none")) {
    execve(self, no_environment, no_environment);
  } else if (!strcmp(mode, "big")) {
    execve(self, vector(self, count, size), no_environment);
  } else if (!strcmp(mode, "env")) {
    char* only[] = {self, NULL};
    char** environment = vector("FIRST=1", count, size);
    for (int i = 1; environment[i]; i++) memcpy(environment[i], "V_", 2), environment[i][6 < size ? 6 : size - 1] = '=';
    execve(self, only, environment);
  } else {
    argv[1] = self;
    execve(self, argv + 1, no_environment);
  }
  unsupported("execve");
}
