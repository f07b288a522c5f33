#include "prefork/master.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>

#include "os/signals.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/lifeline.hpp"
#include "support/shared.hpp"

using namespace std::chrono_literals;
using prefork::Limits;
using prefork::Worker;
using support::eventually;

namespace {

// What workers and master write down for the test.
struct Diary {
  std::atomic<int> starts{0};
  std::array<std::atomic<pid_t>, 16> pids{};  // in the order of their starts
  std::atomic<int> finished{0};
  std::atomic<bool> closed{false};

  void sign() {
    const int start = starts++;
    if (start < 16) pids[static_cast<std::size_t>(start)] = getpid();
  }
};

void wait_for_stop(const Worker& worker) {
  while (!worker.stopping()) support::turns_readable(worker.stop_fd());
}

// A pool whose master is a child of the test. Whatever is left at its end is killed.
struct Pool {
  support::Shared<Diary> diary;
  support::Lifeline lifeline;
  prefork::Master::Hooks hooks{.serve =
                                   [this](Worker& worker) {
                                     diary->sign();
                                     worker.idle();
                                     wait_for_stop(worker);
                                     ++diary->finished;
                                   },
                               .stop_listening = [this] { diary->closed = true; }};
  std::optional<support::Child> master{};

  void start(Limits limits) {
    master.emplace([this, limits] {
      os::block_signals();
      return prefork::Master(limits, hooks).run();
    });
  }

  bool has_started(int workers) const {
    return eventually([&] { return diary->starts >= workers && diary->pids.at(index(workers)); });
  }

  // The master's exit code, -1 if it does not end.
  int end() {
    return eventually([this] { return master->has_ended(); }) ? master->wait() : -1;
  }

  static std::size_t index(int workers) { return static_cast<std::size_t>(workers - 1); }
};

}  // namespace

TEST_CASE_METHOD(Pool, "A pool has as many workers as it is told, each a process of its own") {
  start({.max_children = 3});
  REQUIRE(has_started(3));
  CHECK(std::set<pid_t>{diary->pids[0], diary->pids[1], diary->pids[2]}.size() == 3);
  master->signal(SIGTERM);
  CHECK(end() == 0);
  CHECK(diary->starts == 3);
  CHECK(diary->finished == 3);
}

TEST_CASE_METHOD(Pool, "A worker that is killed is replaced") {
  start({.max_children = 2});
  REQUIRE(has_started(2));
  kill(diary->pids[0], SIGKILL);
  CHECK(has_started(3));
  master->signal(SIGTERM);
  CHECK(end() == 0);
  CHECK(diary->starts == 3);
  CHECK(diary->finished == 2);
}

TEST_CASE_METHOD(Pool, "A worker that returns without being told is replaced") {
  hooks.serve = [this](Worker& worker) {
    diary->sign();
    worker.idle();
    if (diary->starts > 1) wait_for_stop(worker);
  };
  start({.max_children = 1});
  CHECK(has_started(2));
  master->signal(SIGTERM);
  CHECK(end() == 0);
}

TEST_CASE_METHOD(Pool, "A stop lets a worker finish what it has begun") {
  const int signal = GENERATE(SIGTERM, SIGINT, SIGQUIT);
  const support::Signpost begun;
  const support::Signpost told;
  const support::Signpost go_on;
  hooks.serve = [&](Worker& worker) {
    worker.idle();
    begun.reach();
    wait_for_stop(worker);
    told.reach();
    go_on.wait_for();
    ++diary->finished;
  };
  start({.max_children = 1});
  REQUIRE(begun.reached_within(10000));
  master->signal(signal);
  REQUIRE(told.reached_within(10000));
  CHECK_FALSE(master->has_ended());
  go_on.reach();
  CHECK(end() == 0);
  CHECK(diary->finished == 1);
}

TEST_CASE_METHOD(Pool, "A second stop does not cut a worker short") {
  const support::Signpost told;
  const support::Signpost go_on;
  hooks.serve = [&](Worker& worker) {
    diary->sign();
    worker.idle();
    wait_for_stop(worker);
    told.reach();
    go_on.wait_for();
    ++diary->finished;
  };
  start({.max_children = 1});
  REQUIRE(has_started(1));
  master->signal(SIGINT);
  REQUIRE(told.reached_within(10000));
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT}) master->signal(signal);
  std::this_thread::sleep_for(50ms);  // time to do the wrong thing
  go_on.reach();
  CHECK(end() == 0);
  CHECK(diary->finished == 1);
}

TEST_CASE_METHOD(Pool, "A worker that does not stop in time is ended by force") {
  hooks.serve = [&](Worker& worker) {
    diary->sign();
    worker.idle();
    sleep(30);  // for ever, but for a failing test
  };
  start({.max_children = 2, .process_control_timeout = 50ms});
  REQUIRE(has_started(2));
  master->signal(SIGTERM);
  CHECK(end() == 0);
  CHECK(lifeline.all_end());
  CHECK(diary->starts == 2);
}

// Pauses of 50, 100, 200, 400, 800 ms, and so on: five starts in a second. Without them, hundreds.
TEST_CASE_METHOD(Pool, "Workers that cannot start are no storm of forks") {
  hooks.serve = [&](Worker&) {
    diary->sign();
    throw std::runtime_error("cannot start");
  };
  start({.max_children = 1});
  CHECK(has_started(2));
  std::this_thread::sleep_for(1s);
  CHECK(diary->starts <= 12);
  master->signal(SIGTERM);
  CHECK(end() == 0);
}

TEST_CASE_METHOD(Pool, "A stop closes the listening socket before any worker hears of it") {
  hooks.serve = [&](Worker& worker) {
    diary->sign();
    worker.idle();
    wait_for_stop(worker);
    if (diary->closed) ++diary->finished;
  };
  hooks.stop_listening = [&] {
    std::this_thread::sleep_for(50ms);
    diary->closed = true;
  };
  start({.max_children = 4});
  REQUIRE(has_started(4));
  CHECK_FALSE(diary->closed);
  master->signal(SIGTERM);
  CHECK(end() == 0);
  CHECK(diary->finished == 4);
}

TEST_CASE_METHOD(Pool, "A master that is killed leaves no worker behind") {
  start({.max_children = 4});
  REQUIRE(has_started(4));
  master->signal(SIGKILL);
  CHECK(master->wait() == 128 + SIGKILL);
  CHECK(lifeline.all_end());
  CHECK(diary->finished == 0);
}
