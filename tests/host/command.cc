#include "command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>

namespace trigon::host {
namespace {

using Clock = std::chrono::steady_clock;

void close_fd(int* fd) {
  if (*fd >= 0) ::close(*fd);
  *fd = -1;
}

// Appends what there is; false: the end.
bool drain(int fd, std::string* to) {
  char buffer[65536];
  const ssize_t n = ::read(fd, buffer, sizeof(buffer));
  if (n > 0) to->append(buffer, static_cast<size_t>(n));
  return n > 0 || (n < 0 && errno == EINTR);
}

}  // namespace

Command::Command(std::vector<std::string> argv, CommandOptions options) {
  int in[2] = {-1, -1}, out[2], err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  if (options.hold_input && ::pipe2(in, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  std::vector<char*> args, environment;
  for (std::string& word : argv) args.push_back(word.data());
  args.push_back(nullptr);
  for (std::string& word : options.environment) environment.push_back(word.data());
  environment.push_back(nullptr);

  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    // A test that is killed takes what it started along.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    ::dup2(options.hold_input ? in[0] : ::open("/dev/null", O_RDONLY), 0);
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) ::_exit(126);
    if (options.in_child && !options.in_child()) ::_exit(77);
    // What we inherited ourselves is nobody's business: descriptors of a program under test begin at 3. Since 5.9.
    ::syscall(SYS_close_range, 3u, ~0u, 0u);
    ::execve(args[0], args.data(), environment.data());
    ::_exit(127);
  }
  close_fd(&in[0]);
  close_fd(&out[1]);
  close_fd(&err[1]);
  in_ = in[1];
  out_fd_ = out[0];
  err_fd_ = err[0];
}

Command::~Command() {
  if (!reaped_) {
    ::kill(pid_, SIGKILL);
    reap(true);
  }
  close_fd(&in_);
  close_fd(&out_fd_);
  close_fd(&err_fd_);
}

void Command::close_input() { close_fd(&in_); }

void Command::send(int signal) {
  if (!reaped_) ::kill(pid_, signal);
}

void Command::take_output(Seconds timeout) {
  pollfd fds[2] = {{out_fd_, POLLIN, 0}, {err_fd_, POLLIN, 0}};
  const int ms = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count());
  if (::poll(fds, 2, ms < 0 ? 0 : ms) <= 0) return;
  if (fds[0].revents != 0 && !drain(out_fd_, &out_)) close_fd(&out_fd_);
  if (fds[1].revents != 0 && !drain(err_fd_, &err_)) close_fd(&err_fd_);
}

void Command::reap(bool block) {
  if (reaped_) return;
  pid_t got;
  do got = ::waitpid(pid_, &status_, block ? 0 : WNOHANG);
  while (got < 0 && errno == EINTR);
  reaped_ = got == pid_;
}

bool Command::has_ended() {
  reap(false);
  return reaped_;
}

bool Command::read_until(const std::function<bool()>& done, Seconds timeout) {
  const auto end = Clock::now() + timeout;
  while (!done()) {
    const bool ended = has_ended();
    if (Clock::now() > end) return false;
    take_output(0.02s);
    if (ended && out_fd_ < 0 && err_fd_ < 0) return done();
    if (ended && !done()) take_output(0.2s);
    if (ended) return done();
  }
  return true;
}

Finished Command::wait(Seconds timeout) {
  const auto end = Clock::now() + timeout;
  Finished finished;
  // Output ends when the last descendant that has it ends, which may be later than the process.
  while (out_fd_ >= 0 || err_fd_ >= 0) {
    if (Clock::now() > end) break;
    take_output(0.05s);
  }
  while (!has_ended() && Clock::now() < end) ::usleep(2000);
  if (!reaped_) {
    finished.timed_out = true;
    ::kill(pid_, SIGKILL);
    reap(true);
  }
  finished.pid = pid_;
  if (WIFEXITED(status_)) finished.exit_code = WEXITSTATUS(status_);
  if (WIFSIGNALED(status_)) finished.signal = WTERMSIG(status_);
  finished.out = out_;
  finished.err = err_;
  return finished;
}

Finished run(std::vector<std::string> argv, CommandOptions options, Seconds timeout) {
  Command command(std::move(argv), std::move(options));
  return command.wait(timeout);
}

std::vector<Json> Finished::facts(std::string_view name) const {
  std::vector<Json> found;
  for (size_t at = 0; at < out.size();) {
    size_t end = out.find('\n', at);
    if (end == std::string::npos) end = out.size();
    Json fact = Json::parse(out.substr(at, end - at), nullptr, false);
    at = end + 1;
    if (fact.is_object() && (name.empty() || fact.value("fact", "") == name)) found.push_back(std::move(fact));
  }
  return found;
}

Json Finished::fact(std::string_view name) const {
  const auto all = facts(name);
  return all.empty() ? Json() : all.front();
}

std::string Finished::unsupported() const {
  const Json fact = this->fact("unsupported");
  if (!fact.is_null()) return fact["why"].get<std::string>() + ": " + fact["error"].get<std::string>();
  if (exit_code == 77) return "this kernel or this machine does not allow it";
  return {};
}

std::string hex_to_bytes(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::strtoul(std::string(hex.substr(i, 2)).c_str(), nullptr, 16)));
  }
  return bytes;
}

std::vector<std::string> split_vector(std::string_view vector) {
  std::vector<std::string> parts;
  while (!vector.empty()) {
    const size_t nul = vector.find('\0');
    parts.emplace_back(vector.substr(0, nul));
    vector.remove_prefix(nul == std::string_view::npos ? vector.size() : nul + 1);
  }
  return parts;
}

}  // namespace trigon::host
