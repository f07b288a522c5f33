#include "prefork/worker.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "os/error.hpp"
#include "os/signals.hpp"

namespace prefork {

Worker::Worker(Slot& slot, pid_t master)
    : slot_(slot), stop_(os::signal_descriptor({SIGTERM, SIGINT, SIGQUIT})) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1) os::fail("prctl PR_SET_PDEATHSIG");
  if (getppid() != master) raise(SIGKILL);  // it died before it could take us along
}

bool Worker::stopping() const {
  pollfd stop{.fd = stop_.get(), .events = POLLIN, .revents = 0};
  return poll(&stop, 1, 0) > 0;
}

}  // namespace prefork
