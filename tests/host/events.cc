#include "events.h"

#include <time.h>

namespace trigon::host {

void Events::add_lines(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    Json event = Json::parse(line, nullptr, false);
    if (event.is_object()) {
      all_.push_back(std::move(event));
    } else {
      bad_lines_.emplace_back(line);
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
}

std::vector<Json> Events::of_kind(std::string_view kind) const {
  std::vector<Json> found;
  for (const Json& event : all_) {
    if (const auto at = event.find(std::string(kind)); at != event.end()) found.push_back(*at);
  }
  return found;
}

std::vector<Json> Events::of_process(std::string_view kind, pid_t pid) const {
  std::vector<Json> found;
  for (const Json& event : all_) {
    const auto at = event.find(std::string(kind));
    if (at != event.end() && at->at("process").at("pid") == pid) found.push_back(*at);
  }
  return found;
}

std::vector<Json> Events::execs(pid_t pid) const { return of_process("process_exec", pid); }
std::vector<Json> Events::exits(pid_t pid) const { return of_process("process_exit", pid); }

Json Events::exec(pid_t pid) const {
  const auto all = execs(pid);
  return all.empty() ? Json() : all.back();
}

Json Events::exit(pid_t pid) const {
  const auto all = exits(pid);
  return all.empty() ? Json() : all.back();
}

std::vector<Json> Events::hooks(std::string_view policy, pid_t pid) const {
  std::vector<Json> found;
  for (const Json& event : all_) {
    for (const char* kind : {"process_kprobe", "process_tracepoint", "process_lsm", "process_uprobe", "process_usdt"}) {
      const auto at = event.find(kind);
      if (at == event.end() || at->value("policy_name", "") != policy) continue;
      if (pid == 0 || at->at("process").at("pid") == pid) found.push_back(*at);
    }
  }
  return found;
}

int Events::position(std::string_view kind, pid_t pid) const {
  for (size_t i = 0; i < all_.size(); ++i) {
    const auto at = all_[i].find(std::string(kind));
    if (at != all_[i].end() && at->at("process").at("pid") == pid) return static_cast<int>(i);
  }
  return -1;
}

int64_t time_ns(const std::string& text) {
  tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return -1;
  int64_t ns = ::timegm(&parts) * 1'000'000'000LL;
  if (*rest == '.') {
    int64_t unit = 100'000'000;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, unit /= 10) ns += (*rest - '0') * unit;
  }
  return *rest == 'Z' && rest[1] == 0 ? ns : -1;
}

std::string base64_decode(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) break;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>(bits >> count & 0xff));
    }
  }
  return bytes;
}

}  // namespace trigon::host
