#include "agent.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "machine.h"

namespace trigon::host {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::string> write_policies(Folder& folder, const std::vector<std::string>& policies) {
  std::vector<std::string> paths;
  for (size_t i = 0; i < policies.size(); ++i) {
    paths.push_back(folder.write("policy-" + std::to_string(i) + ".yaml", policies[i]));
  }
  return paths;
}

// A member of the event's process.
std::string text_of(const Json& event, const char* key) {
  return event.is_null() ? std::string() : event.at("process").value(key, "");
}

}  // namespace

Books Books::parse(std::string_view text) {
  Books books;
  const size_t line = text.rfind("produced=");
  if (line == std::string_view::npos) return books;
  text.remove_prefix(line);
  text = text.substr(0, text.find('\n'));
  const auto number = [&](std::string_view key) -> uint64_t {
    const size_t at = text.find(key);
    return at == std::string_view::npos ? 0 : std::stoull(std::string(text.substr(at + key.size(), 24)));
  };
  books.produced = number("produced=");
  books.consumed = number("consumed=");
  books.lost = number("lost=");
  books.malformed = number("malformed=");
  books.skipped = number("skipped=");
  books.written = number("written=");
  books.dropped = number("dropped=");
  books.found = true;
  return books;
}

std::string Books::text() const {
  return "produced=" + std::to_string(produced) + " consumed=" + std::to_string(consumed) +
         " lost=" + std::to_string(lost) + " malformed=" + std::to_string(malformed) +
         " skipped=" + std::to_string(skipped) + " written=" + std::to_string(written) +
         " dropped=" + std::to_string(dropped);
}

Agent::Agent(std::vector<std::string> args, std::vector<std::string> policies) : output_(folder_.file("events.json")) {
  std::vector<std::string> argv = {
      trigon_binary(), "agent", "--export-filename", output_, "--export-file-max-size-mb", "0"};
  for (const std::string& path : write_policies(folder_, policies)) {
    argv.push_back("--tracing-policy");
    argv.push_back(path);
  }
  argv.insert(argv.end(), args.begin(), args.end());
  command_ = std::make_unique<Command>(std::move(argv));
  const auto ready = [this] { return command_->err().find("ready") != std::string::npos; };
  if (command_->read_until(ready, Seconds(patience(15)))) return;
  const bool ended = command_->has_ended();
  problem_ = (ended ? "the agent ended before it was ready: " : "the agent does not get ready: ") + command_->err();
}

Agent::~Agent() = default;

const Events& Agent::events() {
  std::ifstream file(output_, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(read_));
  std::string text(std::istreambuf_iterator<char>(file), {});
  text.resize(text.rfind('\n') + 1);  // npos + 1 is 0
  read_ += text.size();
  events_.add_lines(text);
  return events_;
}

bool Agent::wait_for(const std::function<bool(const Events&)>& condition, Seconds timeout) {
  const auto end = Clock::now() + timeout;
  for (;;) {
    if (condition(events())) return true;
    // Its messages must not fill the pipe.
    command_->read_until([] { return false; }, 0.005s);
    if (Clock::now() > end || !is_running()) return condition(events());
  }
}

// Records leave the ring in the order in which they were made: when the end of a process that was started now has been
// written, everything before it has been. Its exec may have met a full ring, hence several attempts.
bool Agent::sync() {
  for (int attempt = 0; attempt < 20; ++attempt) {
    const std::string word = "sync-" + std::to_string(++syncs_);
    const pid_t pid = host::run({trigger("noop"), word}).pid;
    const auto has_ended = [&](const Events& events) { return text_of(events.exit(pid), "arguments") == word; };
    if (wait_for(has_ended, Seconds(patience(1)))) return true;
  }
  return false;
}

Finished Agent::run(std::vector<std::string> words, CommandOptions options) {
  words[0] = trigger(words[0]);
  Finished finished = host::run(std::move(words), std::move(options), Seconds(patience(30)));
  if (!sync()) problem_ = "events do not arrive";
  return finished;
}

Finished Agent::stop() {
  command_->send(SIGTERM);
  Finished finished = command_->wait(Seconds(patience(20)));
  events();
  return finished;
}

Traced trace(std::vector<std::string> policies, std::vector<std::string> args, std::vector<std::string> command,
             Seconds timeout) {
  Folder folder;
  const std::string output = folder.file("events.json");
  std::vector<std::string> argv = {trigon_binary(), "trace"};
  for (const std::string& path : write_policies(folder, policies)) {
    argv.push_back("-p");
    argv.push_back(path);
  }
  argv.insert(argv.end(), {"-o", "json", "--output-file", output});
  argv.insert(argv.end(), args.begin(), args.end());
  argv.push_back("--");
  argv.insert(argv.end(), command.begin(), command.end());
  Traced traced;
  traced.finished = run(std::move(argv), {}, timeout);
  traced.events.add_lines(read_file(output));
  traced.books = Books::parse(traced.finished.err);
  return traced;
}

}  // namespace trigon::host
