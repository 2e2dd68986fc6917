#include "daemon/launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace trigon::daemon {

Result<Launcher> Launcher::prepare(std::vector<std::string> command) {
  int gate[2];
  if (pipe2(gate, O_CLOEXEC) != 0) return Error::from_errno("pipe2");
  Fd read_end(gate[0]), write_end(gate[1]);
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);

  int pid = fork();
  if (pid < 0) return Error::from_errno("fork");
  if (pid == 0) {
    write_end.reset();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGPIPE, SIG_DFL);
    char go;
    if (::read(read_end.get(), &go, 1) != 1) _exit(125);
    execvp(argv[0], argv.data());
    std::fprintf(stderr, "trigon: cannot run %s: %s\n", argv[0], std::strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
  }
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));  // 5.3
  if (!pidfd) return Error::from_errno("pidfd_open");
  return Launcher(pid, std::move(pidfd), std::move(write_end));
}

Launcher::~Launcher() {
  if (!gate_) return;
  gate_.reset();
  wait();
}

Result<void> Launcher::release() {
  if (::write(gate_.get(), "g", 1) != 1) return Error::from_errno("start the command");
  gate_.reset();
  return {};
}

int Launcher::wait() {
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) return 1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace trigon::daemon
