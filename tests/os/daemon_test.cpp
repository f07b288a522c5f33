#include "os/daemon.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

using namespace std::chrono_literals;
using support::in_child;
using support::Signpost;

namespace {

// What the caller gets when the daemon does this; it ends with it.
int started(const std::function<void(os::Daemon&)>& life,
            std::chrono::milliseconds patience = 10s) {
  return in_child([&] {
    os::Daemon daemon;
    if (const auto code = daemon.start(patience)) return *code;
    life(daemon);
    _exit(0);
  });
}

}  // namespace

TEST_CASE("The caller of a daemon that is ready gets 0, and the daemon lives on") {
  const Signpost caller_is_back;
  const Signpost daemon_was_there;
  CHECK(started([&](os::Daemon& daemon) {
          if (!daemon.ready()) return;
          caller_is_back.wait_for();
          daemon_was_there.reach();
        }) == 0);
  caller_is_back.reach();
  CHECK(daemon_was_there.reached_within(10000));
}

TEST_CASE("The caller of a daemon that ends before it is ready gets 70") {
  CHECK(started([](os::Daemon&) {}) == 70);
  CHECK(started([](os::Daemon&) { raise(SIGKILL); }) == 70);
}

TEST_CASE("A daemon that says nothing for too long is told that it came too late") {
  const Signpost caller_is_back;
  const Signpost was_too_late;
  CHECK(started(
            [&](os::Daemon& daemon) {
              caller_is_back.wait_for();
              if (!daemon.ready()) was_too_late.reach();
            },
            50ms) == 70);
  caller_is_back.reach();
  CHECK(was_too_late.reached_within(10000));
}

TEST_CASE("A daemon has a session of its own that it does not lead, and no stdin") {
  const Signpost is_so;
  const pid_t ours = getsid(0);
  CHECK(started([&](os::Daemon& daemon) {
          char byte = 0;
          const bool apart = getsid(0) != getpid() && getsid(0) != ours;
          const bool silent = read(STDIN_FILENO, &byte, 1) == 0;
          if (apart && silent) is_so.reach();
          (void)daemon.ready();
        }) == 0);
  CHECK(is_so.reached_within(10000));
}

TEST_CASE("Without a start there is nobody to tell") {
  os::Daemon daemon;
  CHECK(daemon.ready());
}
