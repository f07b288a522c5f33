#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/descriptor.hpp"
#include "prefork/restarts.hpp"

namespace prefork {

class Master;

// What serves in front of a pool, nginx for one: a command that the master runs as one child more.
// It comes after the pool and goes before it: started when the pool is ready, told to go (QUIT)
// when the pool is told to stop, and until it has gone the workers serve on.
//
// It has a session of its own, so that a terminal's Ctrl-C reaches the master alone, no blocked
// signal, no descriptor but 0 to 2, and gets a TERM should the master die. What it writes to its
// stdout goes to our stderr as it is: so nginx can write a log there that is JSON already. When it
// ends by itself it is started again in place (see Restarts): the pool and what it counts stay.
// What it leaves behind, as a killed nginx does its workers, is told to go (QUIT) at once and given
// the same time.
//
// For the master's thread alone.
class Front {
 public:
  using Clock = std::chrono::steady_clock;

  // Exit codes of a command that it is no use to start again: it cannot run as it is told to. The
  // pool stops, and exits with exit_config.
  static constexpr int exit_config = 78;       // EX_CONFIG: it says so itself
  static constexpr int exit_cannot_run = 127;  // the shell's: there is no such command

  // Exit code of a pool whose front has ended too often.
  static constexpr int exit_spent = 70;  // EX_SOFTWARE

  struct Settings {
    std::vector<std::string> words;        // the command; at least one
    std::chrono::milliseconds patience{};  // it may take so long to go; then it is ended by force
    pid_t adopted = 0;  // one that is running already, a child from before an exec; 0: none
    Restarts restarts{};

    // Called with each line that it writes to its stderr; absent: that is ours. `stderr_ends` of an
    // adopted one: what it has for a stderr, reading end and writing end.
    std::function<void(std::string_view line)> say{};
    std::pair<os::Descriptor, os::Descriptor> stderr_ends{};
  };

  Front(Master& master, Settings settings);
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;
  ~Front();

  // When the pool is ready.
  void start();

  // Tells it to go, and calls Master::stop_workers() when it has gone. False: there is none to wait
  // for.
  bool stop();

  // Passes a signal on.
  void tell(int signal) const;

  pid_t pid() const { return pid_; }  // 0: it is not running now

  // The ends of its stderr, if we have them, for whom it is handed over to.
  const std::pair<os::Descriptor, os::Descriptor>& stderr_ends() const {
    return settings_.stderr_ends;
  }

 private:
  void run();
  void wait_for(pid_t child);
  void ended(int status);
  void come_back(int status);
  void dismiss_remains();
  void wake_in(std::chrono::milliseconds time);
  void wake();
  void open_stderr();
  void hear();

  Master& master_;
  Settings settings_;
  os::Descriptor alarm_;  // a timer
  std::string begun_;     // a line on its stderr without an end yet
  pid_t pid_ = 0;
  pid_t remains_ = 0;  // the process group of one that has ended; 0: none
  bool stopping_ = false;
};

}  // namespace prefork
