#include "prefork/child.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "os/error.hpp"
#include "os/signals.hpp"

namespace prefork {

Child::Child(pid_t master)
    : master_(master), stop_(os::signal_descriptor({SIGTERM, SIGINT, SIGQUIT})) {
  die_with_master();
}

Wish Child::wish() const {
  sigset_t pending;
  if (sigpending(&pending) == -1) os::fail("sigpending");
  if (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1) return Wish::stop;
  return sigismember(&pending, SIGQUIT) == 1 ? Wish::retire : Wish::none;
}

void Child::die_with_master() const {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1) os::fail("prctl PR_SET_PDEATHSIG");
  if (getppid() != master_) raise(SIGKILL);  // it died before it could take us along
}

}  // namespace prefork
