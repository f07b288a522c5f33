#pragma once

#include <stdexcept>
#include <string>

namespace ctl {

// What a script can tell apart; from 64 on as sysexits.h has them. `visitsctl ipc --help` lists
// them.
enum class Exit {
  done = 0,
  no = 1,              // absent, none there, not sound, declined
  usage = 64,          // the words of the call are off
  data = 65,           // what is stored is no table of PHP's, or no value of PHP's
  unavailable = 69,    // the kernel refuses; no room
  cannot_create = 73,  // the backup file
  output = 74,         // nobody reads what is printed
  try_later = 75,      // the semaphore is held, the queue is full
  no_permission = 77,
};

// Ends a command: one sentence for a person, a code for a script.
class Failure : public std::runtime_error {
 public:
  Failure(Exit code, const std::string& why) : runtime_error(why), code_(code) {}

  Exit code() const { return code_; }

 private:
  Exit code_;
};

}  // namespace ctl
