// What the rest of the agent uses of this folder.
//
//   auto loaded = policy::load_paths(paths);        // diagnostics, or policies to keep
//   auto set = policy::compile(loaded.policies, generation, state);
//
// Policies are plain values. Whoever holds them adds, drops, enables or disables one and compiles the whole set
// again: the result is a complete generation of tables.
#pragma once

#include "policy/compile.h"           // IWYU pragma: export
#include "policy/compiled.h"          // IWYU pragma: export
#include "policy/diagnostics.h"       // IWYU pragma: export
#include "policy/ir.h"                // IWYU pragma: export
#include "policy/load.h"              // IWYU pragma: export
#include "policy/validate.h"          // IWYU pragma: export
#include "policy/workload_vectors.h"  // IWYU pragma: export
