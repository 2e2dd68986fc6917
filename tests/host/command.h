// Command: a program that a test starts, its output and how it ended. What a test started ends with it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace trigon::host {

using Json = nlohmann::json;
using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

struct CommandOptions {
  std::vector<std::string> environment = {"PATH=/usr/bin:/usr/sbin:/bin:/sbin", "LANG=C"};
  std::string folder;              // working directory; empty: ours
  std::function<bool()> in_child;  // before the exec; false: give up with exit code 77
  bool hold_input = false;         // standard input stays open until close_input()
};

struct Finished {
  pid_t pid = -1;
  int exit_code = -1;  // -1: killed by `signal`
  int signal = 0;
  bool timed_out = false;  // then it was killed
  std::string out;
  std::string err;

  // The facts that a trigger printed (those called `name`).
  std::vector<Json> facts(std::string_view name = {}) const;
  // The first of that name; null when there is none.
  Json fact(std::string_view name) const;
  // Why a trigger could not do its work here; empty: it could.
  std::string unsupported() const;
};

class Command {
 public:
  explicit Command(std::vector<std::string> argv, CommandOptions options = {});
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  // Kills what still runs.
  ~Command();

  pid_t pid() const { return pid_; }
  void close_input();
  void send(int signal);
  // Takes in output until `done` says so, the process ends or the time is over; true: `done` said so.
  bool read_until(const std::function<bool()>& done, Seconds timeout);
  // Waits for the end of the process and of its output.
  Finished wait(Seconds timeout = 60s);
  bool has_ended();

  const std::string& out() const { return out_; }
  const std::string& err() const { return err_; }

 private:
  // Waits up to timeout for output and takes it in.
  void take_output(Seconds timeout);
  void reap(bool block);

  pid_t pid_ = -1;
  int in_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  int status_ = 0;
  bool reaped_ = false;
  std::string out_;
  std::string err_;
};

// Starts, waits, gives everything back.
Finished run(std::vector<std::string> argv, CommandOptions options = {}, Seconds timeout = 60s);

std::string hex_to_bytes(std::string_view hex);
// "a\0b\0" to {"a", "b"}.
std::vector<std::string> split_vector(std::string_view vector);

}  // namespace trigon::host
