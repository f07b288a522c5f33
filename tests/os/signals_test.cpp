#include "os/signals.hpp"

#include <unistd.h>

#include <csignal>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"

using support::in_child;
using support::is_readable;

namespace {

bool is_blocked(int number) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, number) == 1;
}

}  // namespace

TEST_CASE("Blocked signals end nothing") {
  CHECK(in_child([] {
          os::block_signals();
          for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGPIPE, SIGUSR1, SIGALRM}) {
            raise(number);
          }
          return 7;
        }) == 7);
}

TEST_CASE("Signals that a fault raises are not blocked") {
  CHECK(in_child([] {
          os::block_signals();
          for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS}) {
            if (is_blocked(fault)) return fault;
          }
          return 0;
        }) == 0);
}

TEST_CASE("Blocking signals returns the mask before it") {
  CHECK(in_child([] {
          const sigset_t usr1 = os::signal_set({SIGUSR1});
          sigprocmask(SIG_SETMASK, &usr1, nullptr);
          const sigset_t before = os::block_signals();
          const bool usr1_only =
              sigismember(&before, SIGUSR1) == 1 && sigismember(&before, SIGTERM) == 0;
          return usr1_only && is_blocked(SIGTERM) ? 0 : 1;
        }) == 0);
}

TEST_CASE("A signal descriptor is readable from its first signal on, and stays so") {
  CHECK(in_child([] {
          os::block_signals();
          const os::Descriptor stop = os::signal_descriptor({SIGTERM, SIGINT});
          if (is_readable(stop.get())) return 1;
          raise(SIGINT);
          return is_readable(stop.get()) && is_readable(stop.get()) ? 0 : 2;
        }) == 0);
}

TEST_CASE("A signal from before its descriptor counts as well") {
  CHECK(in_child([] {
          os::block_signals();
          raise(SIGTERM);
          return is_readable(os::signal_descriptor({SIGTERM}).get()) ? 0 : 1;
        }) == 0);
}

TEST_CASE("A signal descriptor does not care for other signals") {
  CHECK(in_child([] {
          os::block_signals();
          const os::Descriptor stop = os::signal_descriptor({SIGTERM});
          raise(SIGHUP);
          return is_readable(stop.get()) ? 1 : 0;
        }) == 0);
}
