#include "prefork/worker.hpp"

#include <unistd.h>

#include <csignal>

#include "os/signals.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/lifeline.hpp"

using prefork::Scoreboard;
using prefork::Slot;
using prefork::Worker;
using support::in_child;
using support::is_readable;

TEST_CASE("A worker is stopping from its first stop signal on, for good") {
  const int signal = GENERATE(SIGTERM, SIGINT, SIGQUIT);
  Scoreboard scoreboard(1);
  CHECK(in_child([&] {
          os::block_signals();
          const Worker worker(scoreboard[0], getppid());
          if (worker.stopping() || is_readable(worker.stop_fd())) return 1;
          raise(signal);
          for (int i = 0; i < 3; ++i) {
            if (!worker.stopping() || !is_readable(worker.stop_fd())) return 2;
          }
          return 0;
        }) == 0);
}

TEST_CASE("A worker takes no other signal for a stop") {
  Scoreboard scoreboard(1);
  CHECK(in_child([&] {
          os::block_signals();
          const Worker worker(scoreboard[0], getppid());
          for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE}) raise(signal);
          return worker.stopping() ? 1 : 0;
        }) == 0);
}

TEST_CASE("A worker dies with its master, even when that is killed") {
  Scoreboard scoreboard(1);
  const support::Signpost ready;
  support::Lifeline lifeline;
  support::Child master([&] {
    os::block_signals();
    const pid_t pid = getpid();
    support::Child child([&] {
      const Worker worker(scoreboard[0], pid);
      ready.reach();
      sleep(30);  // for ever, but for a failing test
      return 0;
    });
    return child.wait();
  });
  REQUIRE(ready.reached_within(10000));
  master.signal(SIGKILL);
  CHECK(master.wait() == 128 + SIGKILL);
  CHECK(lifeline.all_end());
}

TEST_CASE("A worker whose master is dead already does not begin") {
  Scoreboard scoreboard(1);
  CHECK(in_child([&] {
          const Worker orphan(scoreboard[0], getpid());
          return 0;
        }) == 128 + SIGKILL);
}

TEST_CASE("A worker shows on the scoreboard what it does") {
  Scoreboard scoreboard(1);
  scoreboard.clear(0);
  CHECK(in_child([&] {
          Worker worker(scoreboard[0], getppid());
          if (scoreboard[0].stage != Slot::Stage::starting) return 1;
          worker.idle();
          if (scoreboard[0].stage != Slot::Stage::idle) return 2;
          worker.busy();
          worker.answered();
          return scoreboard[0].stage == Slot::Stage::busy ? 0 : 3;
        }) == 0);
  CHECK(scoreboard[0].requests == 1);
}
