#include "cli/cli.h"

int main(int argc, char** argv) { return trigon::cli::run(argc, argv); }
