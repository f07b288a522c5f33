#pragma once

#include <sys/types.h>

#include "os/descriptor.hpp"
#include "prefork/scoreboard.hpp"

namespace prefork {

// A worker's own view of the pool: what the child's code is given. Made by the master in the child,
// right after fork, with every signal blocked; they stay so, and no system call of a request is cut
// short. A stop is an event to wait for.
//
// A worker dies with its master, however that dies (PR_SET_PDEATHSIG).
class Worker {
 public:
  // Throws std::system_error. `master` is the process that forked.
  Worker(Slot& slot, pid_t master);

  // Turns readable, for good, once this worker is asked to stop (TERM, INT, QUIT). It then answers
  // what it has begun, and what waits for it already, and returns.
  int stop_fd() const { return stop_.get(); }
  bool stopping() const;

  // What the scoreboard shows. Until the first answered() a death counts as a failure to start, and
  // the next start may be delayed.
  void idle() { slot_.stage = Slot::Stage::idle; }
  void busy() { slot_.stage = Slot::Stage::busy; }
  void answered() { slot_.requests.fetch_add(1, std::memory_order_relaxed); }

 private:
  Slot& slot_;
  os::Descriptor stop_;
};

}  // namespace prefork
