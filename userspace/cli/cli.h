// The command line: one file per verb, each with an add_VERB() that is registered in cli.cc.
#pragma once

namespace trigon::cli {

// Parses, runs the verb, returns the exit code.
int run(int argc, char** argv);

}  // namespace trigon::cli
