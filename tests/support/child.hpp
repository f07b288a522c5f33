#pragma once

#include <functional>

#include "support/offspring.hpp"

namespace support {

// A forked child that runs `body` and ends with _exit(body's result): it never returns into Catch2.
// No Catch2 macro in the body. A child that is still there at the end of its life is killed.
class Child : public Offspring {
 public:
  explicit Child(const std::function<int()>& body);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();
};

// Runs `body` in a child and waits for it.
int in_child(const std::function<int()>& body);

// Two processes meet: one waits until the other has come by. Make it before the fork.
class Signpost {
 public:
  Signpost();
  Signpost(const Signpost&) = delete;
  Signpost& operator=(const Signpost&) = delete;
  ~Signpost();

  void reach() const;     // in one process
  void wait_for() const;  // in the other
  bool reached_within(int milliseconds) const;

 private:
  int ends_[2];
};

// Asks again and again until `claim` holds; false when it does not within ten seconds.
bool eventually(const std::function<bool()>& claim);

// Whether a process is in that state, by proc(5)'s letters: 'S' sleeps, 'T' was stopped.
bool is_in_state(pid_t pid, char state);

// Stops a process, and returns when it stands still: what comes after a signal alone may still be
// seen by the process, for the kernel delivers when it gets to it. SIGCONT lets it go on.
void halt(pid_t pid);

}  // namespace support
