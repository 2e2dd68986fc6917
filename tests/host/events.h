// Events: lines of JSON, and how tests find what they look for.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "command.h"

namespace trigon::host {

class Events {
 public:
  // Whole lines. What is no JSON object is kept in bad_lines().
  void add_lines(std::string_view text);

  const std::vector<Json>& all() const { return all_; }
  const std::vector<std::string>& bad_lines() const { return bad_lines_; }

  // Everything of a kind ("process_exec", "lost_events"): the object under that key.
  std::vector<Json> of_kind(std::string_view kind) const;
  // process_exec of a pid, in order; the object under "process_exec".
  std::vector<Json> execs(pid_t pid) const;
  // The last one; null when there is none.
  Json exec(pid_t pid) const;
  std::vector<Json> exits(pid_t pid) const;
  Json exit(pid_t pid) const;
  // What the hooks of a policy told, of whatever kind they are (of a pid, when one is given).
  std::vector<Json> hooks(std::string_view policy, pid_t pid = 0) const;
  // Index in all() of the first event of this kind and pid; -1.
  int position(std::string_view kind, pid_t pid) const;

 private:
  std::vector<Json> of_process(std::string_view kind, pid_t pid) const;

  std::vector<Json> all_;
  std::vector<std::string> bad_lines_;
};

// RFC 3339 with up to nine digits to nanoseconds since 1970; -1 when it is none.
int64_t time_ns(const std::string& text);
std::string base64_decode(std::string_view text);

}  // namespace trigon::host
