#include "prefork/child.hpp"

#include <unistd.h>

#include <csignal>

#include "os/signals.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/lifeline.hpp"

using prefork::Child;
using prefork::Wish;
using support::in_child;
using support::is_readable;

TEST_CASE("A child knows from its first stop signal on, for good, that all go") {
  const int signal = GENERATE(SIGTERM, SIGINT);
  CHECK(in_child([&] {
          os::block_signals();
          const Child child(getppid());
          if (child.wish() != Wish::none || is_readable(child.stop_fd())) return 1;
          raise(signal);
          for (int i = 0; i < 3; ++i) {
            if (child.wish() != Wish::stop || !is_readable(child.stop_fd())) return 2;
          }
          return child.stopping() ? 0 : 3;
        }) == 0);
}

TEST_CASE("QUIT asks one child to retire, and a stop outweighs it in any order") {
  const int first = GENERATE(SIGQUIT, SIGTERM);
  CHECK(in_child([&] {
          os::block_signals();
          const Child child(getppid());
          raise(first);
          if (!is_readable(child.stop_fd())) return 1;
          if (child.wish() != (first == SIGQUIT ? Wish::retire : Wish::stop)) return 2;
          if (child.stopping() != (first == SIGTERM)) return 3;
          raise(SIGQUIT);
          raise(SIGTERM);
          return child.wish() == Wish::stop ? 0 : 4;
        }) == 0);
}

TEST_CASE("A child takes no other signal for a wish") {
  CHECK(in_child([&] {
          os::block_signals();
          const Child child(getppid());
          for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE}) raise(signal);
          return child.wish() == Wish::none && !is_readable(child.stop_fd()) ? 0 : 1;
        }) == 0);
}

TEST_CASE("A child dies with its master, even when that is killed") {
  const support::Signpost ready;
  support::Lifeline lifeline;
  support::Child master([&] {
    os::block_signals();
    const pid_t pid = getpid();
    support::Child forked([&] {
      const Child child(pid);
      ready.reach();
      sleep(30);  // for ever, but for a failing test
      return 0;
    });
    return forked.wait();
  });
  REQUIRE(ready.reached_within(10000));
  master.signal(SIGKILL);
  CHECK(master.wait() == 128 + SIGKILL);
  CHECK(lifeline.all_end());
}

// The kernel drops the promise with the user.
TEST_CASE("A child that has become another user dies with its master once it has renewed that") {
  if (support::lacks_root()) return;
  const support::Signpost ready;
  support::Lifeline lifeline;
  support::Child master([&] {
    os::block_signals();
    const pid_t pid = getpid();
    support::Child forked([&] {
      const Child child(pid);
      if (setuid(65534) == -1) return 1;
      child.die_with_master();
      ready.reach();
      sleep(30);
      return 0;
    });
    return forked.wait();
  });
  REQUIRE(ready.reached_within(10000));
  master.signal(SIGKILL);
  CHECK(master.wait() == 128 + SIGKILL);
  CHECK(lifeline.all_end());
}

TEST_CASE("A child whose master is dead already does not begin") {
  CHECK(in_child([&] {
          const Child orphan(getpid());
          return 0;
        }) == 128 + SIGKILL);
}
