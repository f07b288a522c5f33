#include "support/offspring.hpp"

#include <sys/wait.h>

#include <csignal>
#include <stdexcept>

#include "os/retry.hpp"

namespace support {

Offspring::Offspring(pid_t pid) : pid_(pid) {
  if (pid == -1) throw std::runtime_error("fork");
}

void Offspring::signal(int number) const { kill(pid_, number); }

int Offspring::wait() { return wait(0); }

bool Offspring::has_ended() { return wait(WNOHANG) != -1; }

int Offspring::wait(int options) {
  int status = 0;
  if (!is_over() && os::retry([&] { return waitpid(pid_, &status, options); }) == pid_) {
    result_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return result_;
}

}  // namespace support
