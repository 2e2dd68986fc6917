// self [--exit N | --pause | --sleep MS | …]: says who it is ("self"). --pause then waits until standard input ends.
#include "truth.h"

int main(int argc, char** argv) {
  const char* option = argc > 1 ? argv[1] : "";
  const char* value = argc > 2 ? argv[2] : "0";
  fact_self("self");
  if (!strcmp(option, "--exit")) return atoi(value);
  if (!strcmp(option, "--sleep")) usleep(1000 * atoi(value));
  if (!strcmp(option, "--pause")) {
    char c;
    while (read(0, &c, 1) > 0) {
    }
  }
  return 0;
}
