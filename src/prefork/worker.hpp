#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "prefork/child.hpp"
#include "prefork/scoreboard.hpp"

namespace prefork {

// A worker's own view of the pool: what the child's code is given.
//
//   worker.idle();                   // ready: from here on it serves
//   worker.begin(note); …            // a request, in the application's bytes
//   worker.end();
class Worker : public Child {
 public:
  struct Terms {
    pid_t master;             // the process that forked
    std::uint64_t share = 0;  // requests after which this worker is spent; 0: never
    int bell = -1;            // rung (eventfd) when the master should look; -1: none
    int place = 0;            // its slot's number on the scoreboard
  };

  // Throws std::system_error.
  Worker(Slot& slot, const Terms& terms);

  // For what an application keeps per slot: no two workers are at one place at a time.
  int place() const { return terms_.place; }

  // What the scoreboard shows; no call allocates or waits. Until the first idle() a death counts as
  // a failure to start. Processor time is told of requests that take 10 ms, the tick of php-fpm's
  // clock, or longer, to the millisecond: to ask the kernel each time would cost short ones a
  // twentieth more.
  void idle() noexcept;
  void begin(std::span<const std::byte> note) noexcept;
  void end() noexcept;  // idle again, with one more request answered

  // How many connections it keeps open for more requests.
  void keep(int connections) noexcept { slot_.kept = connections; }

  // Whether it has served its share and it is its turn to be replaced: it has been asked to retire
  // then, as always. Never more than a quarter of a pool have their turn at once.
  bool spent() const { return slot_.spent && wish() == Wish::retire; }

 private:
  void rest(std::int64_t now) noexcept;
  void ring() const noexcept;

  Slot& slot_;
  Terms terms_;
  std::int64_t cpu_ = 0;     // processor time, as it was read last …
  std::int64_t cpu_at_ = 0;  // … and when
};

}  // namespace prefork
