#include "os/signals.hpp"

#include <sys/signalfd.h>

#include "os/error.hpp"

namespace os {

sigset_t signal_set(std::initializer_list<int> numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  return set;
}

sigset_t block_signals() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS}) {
    sigdelset(&all, fault);
  }
  if (signal(SIGCHLD, SIG_DFL) == SIG_ERR) fail("signal");
  if (sigprocmask(SIG_SETMASK, &all, &before) == -1) fail("sigprocmask");
  return before;
}

Descriptor signal_descriptor(std::initializer_list<int> numbers) {
  const sigset_t set = signal_set(numbers);
  Descriptor fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) fail("signalfd");
  return fd;
}

}  // namespace os
