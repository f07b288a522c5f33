#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "prefork/limits.hpp"
#include "prefork/roster.hpp"
#include "prefork/scoreboard.hpp"
#include "prefork/worker.hpp"

namespace prefork {

// Keeps a pool of workers at its size, as php-fpm's master does. It forks, waits, reaps, and
// nothing else: it takes no lock that a worker takes, so no worker can stop it.
//
//   prefork::Master master(limits, {.serve = …, .stop_listening = …});
//   return master.run();
//
// REQUIRES: one thread, every signal blocked (os::block_signals) before the first descriptor that
// workers share was made.
//
// TERM, INT and QUIT stop it: it stops listening, asks the workers to finish, and after
// process_control_timeout kills those who have not.
class Master {
 public:
  struct Hooks {
    std::function<void(Worker&)> serve;    // in each child; the worker ends when it returns
    std::function<void()> stop_listening;  // in the master, first thing of a stop
  };

  Master(Limits limits, Hooks hooks);

  // Serves until told to stop. Returns the exit code: 0.
  int run();

 private:
  using Clock = std::chrono::steady_clock;

  void fill_vacancies();
  bool spawn(int slot);
  [[noreturn]] void be_worker(int slot, pid_t master) noexcept;
  void wait_for_event();
  void begin_stop(int signal, pid_t sender);
  void enforce_stop();
  void reap();
  void bury(pid_t pid, int status);
  void tell_workers(int signal) const;

  Limits limits_;
  Hooks hooks_;
  Scoreboard scoreboard_;
  Roster roster_;
  std::optional<Clock::time_point> deadline_;  // of a stop; absent: not stopping
  Clock::time_point fork_again_{};             // after a fork that failed
};

}  // namespace prefork
