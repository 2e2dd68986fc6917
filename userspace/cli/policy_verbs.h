// What stands behind the verbs of `trigon policy`. Each returns the exit code.
#pragma once

#include <string>
#include <vector>

#include "engine/explain.h"

namespace trigon::cli {

int check_policies(const std::vector<std::string>& paths);
int explain_policies(const std::vector<std::string>& paths, bool json);

// Golden text; for tests.
std::string explain_text(const std::vector<engine::PolicyExplanation>& policies);
std::string explain_json(const std::vector<engine::PolicyExplanation>& policies);

}  // namespace trigon::cli
