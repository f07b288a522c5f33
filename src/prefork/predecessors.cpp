#include "prefork/predecessors.hpp"

#include <sys/wait.h>

#include <csignal>

#include "os/log.hpp"

namespace prefork {

void Predecessors::meet() {
  std::erase_if(pids_, [](pid_t pid) { return waitpid(pid, nullptr, WNOHANG) != 0; });
}

void Predecessors::tell(int signal) const {
  for (const pid_t pid : pids_) kill(pid, signal);
}

void Predecessors::dismiss(Time deadline) {
  if (empty()) return;
  tell(SIGQUIT);
  deadline_ = deadline;
}

void Predecessors::enforce(Time now) {
  if (!deadline_ || now < *deadline_) return;
  deadline_.reset();
  if (empty()) return;
  os::log(os::Level::warning,
          "workers of before the reload that did not finish in time are ended by force");
  tell(SIGKILL);
}

}  // namespace prefork
