#pragma once

#include <chrono>
#include <optional>

#include "os/descriptor.hpp"

namespace os {

// The way into the background, as php-fpm has it: whoever starts the program gets the command line
// back only when the daemon serves, or when it is certain that it will not.
//
//     os::Daemon daemon;
//     if (const auto code = daemon.start()) return *code;  // in the process that was called
//     …                                                    // in the daemon: whatever can fail
//     if (!daemon.ready()) return 70;                      // nobody waits for it any more
class Daemon {
 public:
  static constexpr int exit_failed = 70;

  // Forks twice, so that the daemon has a session of its own but can never get a terminal. Returns
  // nothing in the daemon, whose stdin is /dev/null from then on. In the process that called,
  // returns once the daemon has said how it went: 0 for ready(); exit_failed when it has ended
  // without, or has said nothing for so long. Throws std::system_error when there is no process to
  // be had.
  std::optional<int> start(std::chrono::milliseconds patience = std::chrono::seconds(10));

  // Says that the daemon serves, once, and lets go of the caller's stdout. stderr stays: the log
  // may go there. False: the caller has given up and called it a failure; then serve nothing. True
  // at once where nothing was started.
  [[nodiscard]] bool ready();

 private:
  Descriptor caller_;
};

}  // namespace os
