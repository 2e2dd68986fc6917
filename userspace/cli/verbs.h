// Every verb registers itself with the application; its callback leaves the exit code behind.
#pragma once

namespace CLI {
class App;
}

namespace trigon::cli {

void add_agent(CLI::App& app, int& exit_code);
void add_trace(CLI::App& app, int& exit_code);
void add_policy(CLI::App& app, int& exit_code);
void add_version(CLI::App& app, int& exit_code);
void add_completion(CLI::App& app, int& exit_code);

}  // namespace trigon::cli
