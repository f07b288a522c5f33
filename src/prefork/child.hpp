#pragma once

#include <sys/types.h>

#include "os/descriptor.hpp"

namespace prefork {

// What the master has asked of a child.
enum class Wish {
  none,
  retire,  // QUIT: this one goes, others stay. Finish what is begun, hand the rest to the others
  stop,    // TERM, INT: all go. Answer what has arrived, and leave
};

// A child's own view of the pool, worker or attendant. Made by the master in the child, right after
// fork, with every signal blocked; they stay so, and no system call of a request is cut short: a
// wish is an event to wait for.
//
// A child dies with its master, however that dies (PR_SET_PDEATHSIG).
class Child {
 public:
  // Throws std::system_error. `master` is the process that forked.
  explicit Child(pid_t master);

  // Turns readable, for good, with the first wish.
  int stop_fd() const { return stop_.get(); }

  // The strongest so far; it stays.
  Wish wish() const;
  bool stopping() const { return wish() == Wish::stop; }

  // A change of user or group makes the kernel forget the promise to die: renew it after that, and
  // before a filter forbids prctl. Throws std::system_error.
  void die_with_master() const;

 private:
  pid_t master_;
  os::Descriptor stop_;
};

}  // namespace prefork
