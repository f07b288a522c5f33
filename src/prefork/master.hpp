#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "os/descriptor.hpp"
#include "prefork/census.hpp"
#include "prefork/child.hpp"
#include "prefork/demand.hpp"
#include "prefork/emergency.hpp"
#include "prefork/limits.hpp"
#include "prefork/loop.hpp"
#include "prefork/policy.hpp"
#include "prefork/predecessors.hpp"
#include "prefork/roster.hpp"
#include "prefork/scoreboard.hpp"
#include "prefork/succession.hpp"
#include "prefork/timekeeper.hpp"
#include "prefork/worker.hpp"

namespace prefork {

// What the attendant is given: it serves nobody's requests and has no slot, but sees them all.
struct AttendantContext {
  const Child& child;  // its stop_fd() tells when to leave
  const Scoreboard& scoreboard;
};

// Where a pool meets its application. All but serve may be absent.
struct Hooks {
  // In a child:
  std::function<void(Worker&)> serve;                     // the worker ends when it returns
  std::function<void(const AttendantContext&)> attend{};  // in one child more; the same
  std::function<void(const Child&)> prepare_worker{};     // first thing in each of them

  // In the master:
  // First thing of a stop: true if something has to end before the workers may. They serve on,
  // until stop_workers().
  std::function<bool()> hold_stop{};
  std::function<void()> stop_listening{};     // the stop of the workers begins
  std::function<void()> ready{};              // once: all workers of the start are idle
  std::function<void()> reload{};             // USR2, HUP, or an emergency
  std::function<void()> reopen_logs{};        // USR1; all workers are replaced after it
  std::function<void(int signal)> pass_on{};  // USR1, HUP: for who is not of the pool
  std::function<int()> queued{};              // connections that no worker has taken yet
  std::function<void(const Census&)> tick{};  // once a second
  std::function<std::string(std::span<const std::byte>)> describe{};  // a Note, for people
  std::function<void(const std::string&)> report_slow{};              // one line; absent: the log

  // Watched for demand, so that growth does not wait for a tick; -1: not.
  int listening_fd = -1;
  int relay_fd = -1;  // where workers that retire leave connections to the others
};

// Keeps a pool of workers as large as its limits and the demand say, as php-fpm's master does. It
// waits, reaps, decides, acts: it takes no lock that a worker takes, so no worker can stop it.
//
//   prefork::Master master(limits, {.serve = …, .stop_listening = …});
//   return master.run();
//
// REQUIRES: one thread, every signal blocked (os::block_signals) before the first descriptor that
// workers share was made.
//
//   TERM, INT, QUIT  stop: stop listening, ask the workers to finish, and after
//                    process_control_timeout kill those who have not
//   USR1             reopen the logs; then each worker is replaced, the new one ready first
//   USR2, HUP        call the hook `reload`
class Master {
 public:
  using Hooks = prefork::Hooks;
  using Clock = std::chrono::steady_clock;

  static constexpr int exit_cannot_start = 70;   // EX_SOFTWARE, as php-fpm has it
  static constexpr int most_failed_starts = 10;  // in a row, over the whole pool

  // How many slots such a pool's scoreboard has: those that are replaced have their heirs beside
  // them for a moment.
  static int slots_of(const Limits& limits);

  // `predecessors` are children of this very process, from before an exec: they serve until this
  // pool is ready, are then asked to retire, and killed after process_control_timeout.
  Master(Limits limits, Hooks hooks, const std::vector<pid_t>& predecessors = {});

  // Serves until told to stop. Returns the exit code: 0, or exit_cannot_start when no worker gets
  // as far as idle().
  int run();

  // What TERM does. `why` is logged; run() returns the code. The first call counts.
  void stop(const std::string& why, int code = 0);

  // Goes on with a stop that the hook hold_stop holds. Its time has run all the while.
  void stop_workers();

  // For parts of the master: calls back while that descriptor is readable, or hung up. See Loop.
  void watch(int fd, Loop::Callback callback) { loop_.watch(fd, std::move(callback)); }
  void forget(int fd) { loop_.forget(fd); }

  // Another child of this process: who is called with its status (waitpid) when it has ended.
  using Ended = std::function<void(int status)>;
  void await(pid_t child, Ended ended) { awaited_[child] = std::move(ended); }

  // Every worker, and the attendant, and what is left of the predecessors.
  std::vector<pid_t> children() const;

  bool is_ready() const { return ready_; }
  bool is_stopping() const { return stopping_since_.has_value(); }
  Scoreboard& scoreboard() { return scoreboard_; }
  const Scoreboard& scoreboard() const { return scoreboard_; }

 private:
  using Time = Clock::time_point;

  void begin();
  bool over() const;
  Time next_moment() const;
  void act();

  // Signals.
  void hear();
  void obey(int signal, pid_t sender);
  void reopen();
  void enforce_stop();
  void tell(const std::vector<pid_t>& children, int signal) const;

  // Looking, deciding, acting.
  void look(Look kind);
  void welcome_ready();
  void became_ready(int slot);
  Census census() const;
  void record(const Census& census);
  void follow(const Decision& decision, const Census& census);
  void retire_longest_idle();
  void retire(int slot);
  void replace_spent();
  void start_heirs();
  void keep_time();
  void say_slow(int slot, pid_t pid);
  void kill_overdue(pid_t pid);
  void announce_ready();

  // Births and deaths.
  std::optional<pid_t> spawn();
  std::optional<pid_t> fork_child(const std::function<void(pid_t master)>& live);
  int lived(const std::function<void(pid_t master)>& live, pid_t master) noexcept;
  void be_worker(int slot, pid_t master);
  void be_attendant(pid_t master);
  void prepare(const Child& child);
  void keep_attendant();
  void reap();
  void bury(pid_t pid, int status);
  void bury_worker(int slot, pid_t pid, int status);
  void bury_attendant(pid_t pid, int status);
  bool was_overdue(const Slot& worker) const;
  void count_end(const Slot& worker, bool overdue, int status);
  void call_emergency();
  void count_failed_start();

  Limits limits_;
  Hooks hooks_;
  Loop loop_;
  os::Descriptor signals_;
  os::Descriptor bell_;  // rung by workers that become ready, or spent
  Scoreboard scoreboard_;
  Roster roster_;
  Roster attendant_{1};
  Succession succession_;
  Timekeeper timekeeper_;
  Emergency emergency_;
  Demand demand_;
  Mood mood_;
  std::map<pid_t, Ended> awaited_;
  Predecessors predecessors_;
  int initial_;
  int failed_starts_ = 0;  // in a row
  bool ready_ = false;
  int code_ = 0;  // to exit with

  Time next_tick_{};
  Time look_again_{};   // before the next tick
  Time judge_again_{};  // the next request that may be slow or overdue
  Time fork_again_{};   // after a fork that failed
  std::optional<Time> stopping_since_{};
  std::optional<Time> deadline_{};         // of the workers' stop; absent: they serve
  std::optional<Time> attendant_again_{};  // when it may be started again
  bool last_ones_told_ = false;            // the attendant's turn in a stop
};

}  // namespace prefork
