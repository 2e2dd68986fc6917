// Agent: the real trigon, started with a JSON file as output, and what it wrote there.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "events.h"
#include "folder.h"

namespace trigon::host {

// The last line of a run: "produced=N consumed=N lost=N …".
struct Books {
  uint64_t produced = 0, consumed = 0, lost = 0, malformed = 0, skipped = 0, written = 0, dropped = 0;
  bool found = false;

  bool add_up() const { return found && produced == consumed + malformed + lost; }
  std::string text() const;
  static Books parse(std::string_view text);
};

class Agent {
 public:
  // `trigon agent --export-filename FILE ARGS…`, ready when the constructor returns, or problem() says why not.
  explicit Agent(std::vector<std::string> args = {}, std::vector<std::string> policies = {});
  ~Agent();

  const std::string& problem() const { return problem_; }
  pid_t pid() const { return command_->pid(); }
  bool is_running() { return !command_->has_ended(); }
  Folder& folder() { return folder_; }
  const std::string& error_text() const { return command_->err(); }

  // Returns when the output has everything that happened before the call; false: it does not come.
  bool sync();
  // Runs a trigger and syncs. The first word is the trigger's name.
  Finished run(std::vector<std::string> words, CommandOptions options = {});
  // What has been written up to now.
  const Events& events();
  // Reads until the condition holds.
  bool wait_for(const std::function<bool(const Events&)>& condition, Seconds timeout);

  void send(int signal) { command_->send(signal); }
  // SIGTERM, the end, and the books.
  Finished stop();
  Books books() const { return Books::parse(command_->err()); }

 private:
  Folder folder_;
  std::string output_;
  std::unique_ptr<Command> command_;
  Events events_;
  size_t read_ = 0;  // bytes of the file
  int syncs_ = 0;
  std::string problem_;
};

// `trigon trace -p POLICY… -o json ARGS… -- COMMAND…` to its end; the events are those of its output file.
struct Traced {
  Finished finished;
  Events events;
  Books books;
};
Traced trace(std::vector<std::string> policies, std::vector<std::string> args, std::vector<std::string> command,
             Seconds timeout);

}  // namespace trigon::host
