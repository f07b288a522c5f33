#include "prefork/master.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "os/backlog.hpp"
#include "os/descriptor.hpp"
#include "os/listener.hpp"
#include "os/signals.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"
#include "support/lifeline.hpp"
#include "support/program.hpp"
#include "support/shared.hpp"

using namespace std::chrono_literals;
using prefork::Limits;
using prefork::Sizing;
using prefork::Wish;
using prefork::Worker;
using support::eventually;

namespace {

struct Numbers {
  std::atomic<int> idle{0};
  std::atomic<int> busy{0};
  std::atomic<int> starting{0};
};

// What workers and master write down for the test.
struct Diary {
  std::atomic<int> starts{0};
  std::array<std::atomic<pid_t>, 16> pids{};  // in the order of their starts
  std::atomic<int> finished{0};
  std::atomic<bool> closed{false};

  std::atomic<int> alive{0};  // ready, and not told to go
  std::atomic<int> fewest{1000};
  std::atomic<int> most{0};

  std::atomic<int> calls{0};  // of the hook that is tested
  std::atomic<int> others{0};
  std::atomic<int> ticks{0};
  std::atomic<int> queue{0};

  void sign() {
    const int start = starts++;
    if (start < 16) pids[static_cast<std::size_t>(start)] = getpid();
  }

  void arrive() {
    const int now = ++alive;
    if (now > most) most = now;
  }
  // The fewest: just before one goes.
  void leave() {
    const int before = alive--;
    if (before < fewest) fewest = before;
  }
};

void wait_for_wish(const prefork::Child& child) {
  while (child.wish() == Wish::none) support::turns_readable(child.stop_fd());
}

// A pool whose master is a child of the test. Whatever is left at its end is killed.
struct Pool {
  support::Shared<Diary> diary;
  support::Shared<prefork::PoolRecord> record;  // as of the latest tick
  support::Shared<Numbers> numbers;             // the same
  support::Lifeline lifeline;
  std::vector<std::function<int()>> predecessors{};
  std::function<void(prefork::Master&)> furnish{};
  prefork::Hooks hooks{.serve =
                           [this](Worker& worker) {
                             diary->sign();
                             diary->arrive();
                             worker.idle();
                             wait_for_wish(worker);
                             diary->leave();
                             ++diary->finished;
                           },
                       .stop_listening = [this] { diary->closed = true; }};
  std::optional<support::Child> master{};

  void start(Limits limits) {
    master.emplace([this, limits]() -> int {
      os::block_signals();
      std::vector<std::unique_ptr<support::Child>> before;
      std::vector<pid_t> pids;
      for (const auto& body : predecessors) {
        before.push_back(std::make_unique<support::Child>(body));
        pids.push_back(before.back()->pid());
      }
      prefork::Master* running = nullptr;
      if (!hooks.tick) {
        hooks.tick = [&](const prefork::Census& census) { note(running->scoreboard(), census); };
      }
      prefork::Master own(limits, hooks, pids);
      running = &own;
      if (furnish) furnish(own);
      const int code = own.run();
      note(own.scoreboard(), {});
      _exit(code);
    });
  }

  void note(const prefork::Scoreboard& scoreboard, const prefork::Census& census) const {
    const prefork::PoolRecord& pool = scoreboard.pool();
    record->max_queue = pool.max_queue.load();
    record->max_active = pool.max_active.load();
    record->max_children_reached = pool.max_children_reached.load();
    record->slow_requests = pool.slow_requests.load();
    record->terminated_requests = pool.terminated_requests.load();
    record->spawned = pool.spawned.load();
    record->recycled = pool.recycled.load();
    record->crashed = pool.crashed.load();
    record->failed = pool.failed.load();
    numbers->idle = census.idle;
    numbers->busy = census.busy;
    numbers->starting = census.starting;
    ++diary->ticks;
  }

  bool has_started(int workers) const {
    return eventually([&] { return diary->starts >= workers && diary->pids.at(index(workers)); });
  }

  // The master's exit code, -1 if it does not end.
  int end() {
    return eventually([this] { return master->has_ended(); }) ? master->wait() : -1;
  }

  int stop() {
    master->signal(SIGTERM);
    return end();
  }

  static std::size_t index(int workers) { return static_cast<std::size_t>(workers - 1); }
};

// Clients that connect and wait, at a socket whose workers hold what they accept until the test
// lets go.
struct Crowd : Pool {
  support::Folder folder;
  os::Listener listener{{.address = folder / "socket"}};
  std::vector<os::Descriptor> clients{};
  support::Signpost let_go;

  Crowd() {
    hooks.serve = [this](Worker& worker) { hold(worker); };
    hooks.queued = [this] {
      const auto backlog = os::backlog_of(listener.fd());
      return backlog ? static_cast<int>(backlog->pending) : 0;
    };
    hooks.listening_fd = listener.fd();
    hooks.stop_listening = [this] { listener.close(); };
  }

  void hold(Worker& worker) {
    diary->sign();
    diary->arrive();
    worker.idle();
    while (worker.wish() == Wish::none) {
      std::array<pollfd, 2> both{pollfd{listener.fd(), POLLIN, 0},
                                 pollfd{worker.stop_fd(), POLLIN, 0}};
      poll(both.data(), both.size(), -1);
      const os::Descriptor client(accept(listener.fd(), nullptr, nullptr));
      if (!client) continue;
      worker.begin({});
      ++diary->calls;
      let_go.wait_for();
      worker.end();
    }
    diary->leave();
    ++diary->finished;
  }

  void come(int count) {
    for (int i = 0; i < count; ++i) clients.push_back(support::connection_to(folder / "socket"));
  }
  bool are_held(int count) const {
    return eventually([&] { return diary->calls == count; });
  }
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

TEST_CASE_METHOD(Pool, "A terminal's Ctrl-C is for the master alone") {
  hooks.serve = [this](Worker& worker) {
    diary->calls = getpgrp() == getpid() ? 1 : 2;
    worker.idle();
    wait_for_wish(worker);
  };
  start({.max_children = 1});
  REQUIRE(eventually([&] { return diary->calls != 0; }));
  CHECK(diary->calls == 1);
  master->signal(SIGTERM);
  CHECK(end() == 0);
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
    if (diary->starts > 1) wait_for_wish(worker);
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
    wait_for_wish(worker);
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
    wait_for_wish(worker);
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

// Pauses of 50, 100, 200, 400, 500 ms, and so on: five starts in a second. Without them, hundreds.
// Neither does the master look around more often than something happens.
TEST_CASE_METHOD(Pool, "Workers that cannot start are no storm of forks, nor one of looks") {
  hooks.queued = [&] {
    ++diary->calls;
    return 0;
  };
  hooks.serve = [&](Worker&) {
    diary->sign();
    throw std::runtime_error("cannot start");
  };
  start({.max_children = 1});
  CHECK(has_started(2));
  std::this_thread::sleep_for(1s);
  CHECK(diary->starts <= 12);
  CHECK(diary->calls <= 60);
  master->signal(SIGTERM);
  CHECK(end() == 0);
}

TEST_CASE_METHOD(Pool, "A stop closes the listening socket before any worker hears of it") {
  hooks.serve = [&](Worker& worker) {
    diary->sign();
    worker.idle();
    wait_for_wish(worker);
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

TEST_CASE_METHOD(
    Crowd,
    "Two idle workers and twenty requests at once: twenty workers, before php-fpm's second") {
  start({.sizing = Sizing::dynamic,
         .max_children = 20,
         .start_servers = 2,
         .min_spare_servers = 1,
         .max_spare_servers = 20});
  REQUIRE(eventually([&] { return diary->alive == 2; }));
  const int ticks = diary->ticks;
  come(20);
  CHECK(are_held(20));
  CHECK(diary->starts == 20);
  CHECK(diary->ticks - ticks <= 3);  // one, but for a slow machine; eighteen if only ticks grew
  for (int i = 0; i < 20; ++i) let_go.reach();
  CHECK(stop() == 0);
  CHECK(record->max_active >= 1);
  CHECK(record->spawned == 20);
}

TEST_CASE_METHOD(Crowd, "A pool on demand has no worker without work, and none again after it") {
  support::Signpost ready;
  hooks.ready = [&] { ready.reach(); };
  start({.sizing = Sizing::ondemand, .max_children = 4, .process_idle_timeout = 100ms});
  REQUIRE(ready.reached_within(10000));
  CHECK(diary->starts == 0);
  for (int round = 1; round <= 2; ++round) {
    come(1);
    REQUIRE(are_held(round));
    let_go.reach();
    CHECK(eventually([&] { return diary->finished == round; }));
  }
  CHECK(diary->starts == 2);
  CHECK(stop() == 0);
  CHECK(record->recycled == 2);
}

TEST_CASE_METHOD(Crowd, "A pool grows on demand though the kernel does not tell its queue") {
  hooks.queued = [] { return 0; };
  start({.sizing = Sizing::ondemand, .max_children = 3});
  come(3);
  CHECK(are_held(3));
  for (int i = 0; i < 3; ++i) let_go.reach();
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Pool, "A connection that the last worker left behind makes a worker on demand") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const os::Descriptor relay(ends[0]);
  const os::Descriptor left_behind(ends[1]);
  hooks.relay_fd = relay.get();
  hooks.serve = [&](Worker& worker) {
    char byte = 0;
    if (read(relay.get(), &byte, 1) == 1) ++diary->calls;
    worker.idle();
    wait_for_wish(worker);
  };
  start({.sizing = Sizing::ondemand, .max_children = 2});
  REQUIRE(eventually([&] { return diary->ticks >= 1; }));
  CHECK(diary->starts == 0);
  REQUIRE(write(left_behind.get(), "x", 1) == 1);
  CHECK(eventually([&] { return diary->calls == 1; }));
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Crowd, "Under load a pool looks a few times a second, not at each connection") {
  hooks.queued = [this] {
    ++diary->others;
    return 0;
  };
  start({.sizing = Sizing::dynamic, .max_children = 3, .min_spare_servers = 1});
  REQUIRE(eventually([&] { return diary->alive == 2; }));
  const int before = diary->others;
  for (int i = 0; i < 300; ++i) let_go.reach();
  for (int i = 0; i < 300; ++i) {
    come(1);
    REQUIRE(are_held(i + 1));
  }
  CHECK(diary->others - before < 150);
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Pool, "A part of the master stops it with a code of its own") {
  prefork::Master* own = nullptr;
  furnish = [&](prefork::Master& running) { own = &running; };
  hooks.reload = [&] { own->stop("the front has gone", 3); };
  start({.max_children = 2});
  REQUIRE(has_started(2));
  master->signal(SIGHUP);
  CHECK(end() == 3);
  CHECK(diary->finished == 2);
}

TEST_CASE_METHOD(
    Pool, "A dynamic pool begins with its start_servers and shrinks to max_spare, one by one") {
  start({.sizing = Sizing::dynamic,
         .max_children = 6,
         .start_servers = 4,
         .min_spare_servers = 1,
         .max_spare_servers = 2});
  CHECK(has_started(4));
  CHECK(eventually([&] { return diary->finished == 2; }));
  const int ticks = diary->ticks;
  CHECK(eventually([&] { return diary->ticks >= ticks + 2; }));
  CHECK(diary->finished == 2);
  CHECK(diary->starts == 4);
  CHECK(stop() == 0);
  CHECK(record->recycled == 2);
}

TEST_CASE_METHOD(Crowd, "An overload is counted once, also in a static pool") {
  start({.max_children = 2});
  REQUIRE(eventually([&] { return diary->alive == 2; }));
  come(9);
  REQUIRE(are_held(2));
  const int ticks = diary->ticks;
  CHECK(eventually([&] { return diary->ticks >= ticks + 3; }));
  CHECK(record->max_children_reached == 1);
  CHECK(record->max_queue >= 7);  // more, if it was looked at before both workers had theirs
  CHECK(record->max_queue <= 9);
  CHECK(record->max_active == 2);
  CHECK(numbers->busy == 2);
  for (int i = 0; i < 9; ++i) let_go.reach();
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Pool, "A pool whose workers cannot start ends by itself, with a code of its own") {
  hooks.serve = [&](Worker&) {
    diary->sign();
    throw std::runtime_error("cannot start");
  };
  start({.max_children = 3});
  CHECK(end() == prefork::Master::exit_cannot_start);
  CHECK(diary->closed);
  CHECK(diary->starts >= prefork::Master::most_failed_starts);
  CHECK(diary->starts <= prefork::Master::most_failed_starts + 2);
  CHECK(record->failed == static_cast<std::uint64_t>(diary->starts));
}

TEST_CASE_METHOD(Pool, "A worker that starts ends a row of failures") {
  hooks.serve = [&](Worker& worker) {
    diary->sign();
    if (++diary->others % 8 != 0) throw std::runtime_error("cannot start");
    diary->arrive();
    worker.idle();
  };
  start({.max_children = 4});
  CHECK(eventually([&] { return diary->alive == 2; }));
  CHECK(diary->starts > prefork::Master::most_failed_starts);
  CHECK(stop() == 0);
}

// More often than a pool that has no worker at all would try.
TEST_CASE_METHOD(Pool, "Heirs that cannot start, however many, leave the old workers serving") {
  hooks.serve = [this](Worker& worker) {
    diary->sign();
    if (diary->calls > 0) {
      ++diary->others;
      throw std::runtime_error("cannot start");
    }
    diary->arrive();
    worker.idle();
    wait_for_wish(worker);
    diary->leave();
  };
  hooks.reopen_logs = [this] { ++diary->calls; };
  start({.max_children = 2});
  REQUIRE(eventually([this] { return diary->alive == 2; }));
  const std::array<pid_t, 2> old = {diary->pids[0], diary->pids[1]};
  master->signal(SIGUSR1);
  CHECK(eventually([this] { return diary->others >= prefork::Master::most_failed_starts + 2; }));
  CHECK_FALSE(master->has_ended());
  for (const pid_t pid : old) CHECK(kill(pid, 0) == 0);
  CHECK(diary->alive == 2);
  diary->calls = 0;  // whatever kept them from starting is mended
  CHECK(eventually([this] { return diary->alive == 2 && diary->most > 2; }));
  CHECK(diary->fewest >= 3);
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Pool,
                 "Spent workers are replaced a quarter at once, each when its heir is ready") {
  hooks.serve = [&](Worker& worker) {
    diary->sign();
    diary->arrive();
    worker.idle();
    while (worker.wish() == Wish::none) {
      worker.begin({});
      worker.end();
      std::this_thread::sleep_for(100us);
    }
    if (worker.spent()) ++diary->calls;
    diary->leave();
  };
  start({.max_children = 8, .max_requests = 100});
  CHECK(eventually([&] { return diary->calls >= 30; }));
  const int fewest = diary->fewest;
  CHECK(stop() == 0);
  CHECK(fewest >= 9);
  CHECK(diary->most <= 10);
  CHECK(record->recycled >= 30);
  CHECK(record->crashed + record->failed == 0);
}

TEST_CASE_METHOD(Pool, "A request that its worker does not end in time ends with its worker") {
  hooks.serve = [&](Worker& worker) {
    diary->sign();
    worker.idle();
    worker.begin({});
    if (diary->starts == 1) sleep(30);
    wait_for_wish(worker);
  };
  start({.max_children = 1, .request_terminate_timeout = 100ms});
  CHECK(has_started(2));
  kill(diary->pids[1], SIGKILL);
  CHECK(has_started(3));
  CHECK(stop() == 0);
  CHECK(record->terminated_requests >= 1);
  CHECK(record->terminated_requests <= 2);
}

TEST_CASE_METHOD(Pool, "A worker that leaves by itself after an overdue request counts as such") {
  hooks.serve = [&](Worker& worker) {
    diary->sign();
    worker.idle();
    if (diary->starts > 1) return wait_for_wish(worker);
    worker.begin({});
    std::this_thread::sleep_for(20ms);
    _exit(1);
  };
  start({.max_children = 1, .request_terminate_timeout = 10ms});
  CHECK(has_started(2));
  CHECK(stop() == 0);
  CHECK(record->terminated_requests == 1);
  CHECK(record->failed == 0);
}

TEST_CASE_METHOD(Pool, "A slow request is counted and said once, with its note for people") {
  hooks.serve = [&](Worker& worker) {
    diary->sign();
    worker.idle();
    worker.begin(std::as_bytes(std::span("/slow", 5)));
    wait_for_wish(worker);
  };
  hooks.describe = [](std::span<const std::byte> note) {
    return "GET " + std::string(reinterpret_cast<const char*>(note.data()), note.size());
  };
  hooks.report_slow = [&](const std::string& line) {
    ++diary->calls;
    const std::string pid = std::to_string(diary->pids[0]);
    if (line == "worker " + pid + ": a request has taken longer than 50 ms: GET /slow") {
      ++diary->others;
    }
  };
  start({.max_children = 1, .request_slowlog_timeout = 50ms});
  CHECK(eventually([&] { return diary->calls == 1; }));
  const int ticks = diary->ticks;
  CHECK(eventually([&] { return diary->ticks >= ticks + 2; }));
  CHECK(diary->calls == 1);
  CHECK(diary->others == 1);
  CHECK(stop() == 0);
  CHECK(record->slow_requests == 1);
}

TEST_CASE_METHOD(Pool, "Enough crashes make an emergency reload, other deaths do not") {
  const int signal = GENERATE(SIGSEGV, SIGKILL);
  hooks.reload = [&] { ++diary->calls; };
  hooks.prepare_worker = [](const prefork::Child&) { std::signal(SIGSEGV, SIG_DFL); };
  start({.max_children = 3, .emergency_restart_threshold = 3, .emergency_restart_interval = 60s});
  REQUIRE(eventually([&] { return diary->alive == 3; }));
  for (int i = 0; i < 3; ++i) kill(diary->pids[static_cast<std::size_t>(i)], signal);
  CHECK(has_started(6));
  CHECK(diary->calls == (signal == SIGSEGV ? 1 : 0));
  CHECK(stop() == 0);
  CHECK(record->crashed == 3);
}

TEST_CASE_METHOD(Pool, "USR2 and HUP ask for a reload, and the pool goes on") {
  const int signal = GENERATE(SIGUSR2, SIGHUP);
  hooks.reload = [&] { ++diary->calls; };
  start({.max_children = 2});
  REQUIRE(has_started(2));
  master->signal(signal);
  CHECK(eventually([&] { return diary->calls == 1; }));
  CHECK(stop() == 0);
  CHECK(diary->starts == 2);
}

TEST_CASE_METHOD(Pool,
                 "USR1 reopens the logs, then replaces every worker, each when its heir is ready") {
  hooks.reopen_logs = [&] { diary->calls = diary->starts.load(); };
  start({.max_children = 4});
  REQUIRE(eventually([&] { return diary->alive == 4; }));
  master->signal(SIGUSR1);
  CHECK(eventually([&] { return diary->finished == 4; }));
  CHECK(diary->fewest == 5);
  CHECK(diary->most == 5);
  CHECK(diary->calls == 4);
  CHECK(stop() == 0);
  CHECK(diary->starts == 8);
  CHECK(record->recycled == 4);
}

TEST_CASE_METHOD(Pool,
                 "The attendant is one process more, replaced when it dies, and the last to go") {
  hooks.attend = [&](const prefork::AttendantContext& attendant) {
    diary->others = getpid();
    ++diary->calls;
    wait_for_wish(attendant.child);
    if (diary->finished == 2 && attendant.scoreboard.pool().spawned == 2) diary->closed = true;
  };
  hooks.stop_listening = [] {};
  start({.max_children = 2});
  REQUIRE(eventually([&] { return diary->alive == 2 && diary->calls == 1; }));
  kill(diary->others, SIGKILL);
  REQUIRE(eventually([&] { return diary->calls == 2; }));
  CHECK(stop() == 0);
  CHECK(diary->closed);
  CHECK(diary->starts == 2);
  CHECK(lifeline.all_end());
}

TEST_CASE_METHOD(Pool, "An attendant that cannot start is no storm of forks, and the pool serves") {
  hooks.attend = [&](const prefork::AttendantContext&) {
    ++diary->calls;
    throw std::runtime_error("cannot start");
  };
  start({.max_children = 1});
  CHECK(has_started(1));
  CHECK(eventually([&] { return diary->ticks >= 2; }));
  CHECK(diary->calls >= 2);
  CHECK(diary->calls <= 12);
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Pool, "Log files that are reopened are the attendant's as well") {
  hooks.attend = [&](const prefork::AttendantContext& attendant) {
    ++diary->calls;
    wait_for_wish(attendant.child);
  };
  start({.max_children = 1});
  REQUIRE(eventually([&] { return diary->alive == 1 && diary->calls == 1; }));
  master->signal(SIGUSR1);
  CHECK(eventually([&] { return diary->calls == 2; }));
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Pool, "An attendant that does not stop is ended by force") {
  hooks.attend = [&](const prefork::AttendantContext&) {
    ++diary->calls;
    sleep(30);
  };
  start({.max_children = 1});
  REQUIRE(eventually([&] { return diary->alive == 1 && diary->calls == 1; }));
  CHECK(stop() == 0);
  CHECK(lifeline.all_end());
}

TEST_CASE_METHOD(Pool, "A pool is ready once, when all its workers of the start are") {
  support::Signpost go_on;
  hooks.serve = [&](Worker& worker) {
    diary->sign();
    go_on.wait_for();
    diary->arrive();
    worker.idle();
    wait_for_wish(worker);
  };
  hooks.ready = [&] { ++diary->calls; };
  start({.max_children = 3});
  REQUIRE(has_started(3));
  for (int i = 0; i < 2; ++i) go_on.reach();
  REQUIRE(eventually([&] { return diary->alive == 2; }));
  std::this_thread::sleep_for(50ms);  // time to do the wrong thing
  CHECK(diary->calls == 0);
  go_on.reach();
  CHECK(eventually([&] { return diary->calls == 1; }));
  for (int i = 0; i < 3; ++i) go_on.reach();
  kill(diary->pids[0], SIGKILL);
  CHECK(eventually([&] { return diary->alive == 4; }));
  CHECK(stop() == 0);
  CHECK(diary->calls == 1);
}

TEST_CASE_METHOD(Pool, "Predecessors serve until the pool is ready, and are retired then") {
  const auto predecessor = [&] {
    const prefork::Child child(getppid());
    wait_for_wish(child);
    if (child.wish() == Wish::retire && diary->alive == 3) ++diary->others;
    return 0;
  };
  predecessors = {predecessor, predecessor};
  start({.max_children = 3});
  CHECK(eventually([&] { return diary->others == 2; }));
  CHECK(stop() == 0);
  CHECK(lifeline.all_end());
}

TEST_CASE_METHOD(
    Pool, "Predecessors that do not retire in time are ended by force, and the pool serves") {
  const support::Signpost begun;
  predecessors = {[&] {
    begun.reach();
    sleep(30);
    return 0;
  }};
  furnish = [&](prefork::Master& own) {
    if (own.children().size() != 1) _exit(7);
  };
  start({.max_children = 1, .process_control_timeout = 50ms});
  REQUIRE(begun.reached_within(10000));
  CHECK(has_started(1));
  CHECK(eventually([&] { return support::children_of(master->pid()).size() == 1; }));
  CHECK(diary->finished == 0);
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Pool, "While predecessors serve, a pool that cannot start does not end") {
  predecessors = {[&] {
    const prefork::Child child(getppid());
    wait_for_wish(child);
    if (child.wish() == Wish::stop) ++diary->others;
    return 0;
  }};
  hooks.serve = [&](Worker&) {
    diary->sign();
    throw std::runtime_error("cannot start");
  };
  start({.max_children = 8});
  CHECK(eventually([&] { return diary->starts > 2 * prefork::Master::most_failed_starts; }));
  CHECK_FALSE(master->has_ended());
  CHECK(diary->others == 0);
  CHECK(stop() == 0);
  CHECK(diary->others == 1);
}

TEST_CASE_METHOD(Pool, "A predecessor that is no child of the master is nobody to be killed") {
  const support::Child stranger([] {
    sleep(30);
    return 0;
  });
  master.emplace([&] {
    os::block_signals();
    prefork::Master own({.max_children = 1}, hooks, {stranger.pid()});
    return own.run();
  });
  CHECK(has_started(1));
  CHECK(stop() == 0);
  CHECK(kill(stranger.pid(), 0) == 0);
}

TEST_CASE_METHOD(Pool, "Every child is prepared before it does anything else") {
  hooks.prepare_worker = [&](const prefork::Child&) { diary->queue = getpid(); };
  hooks.serve = [&](Worker& worker) {
    if (diary->queue == getpid()) ++diary->calls;
    worker.idle();
    wait_for_wish(worker);
  };
  hooks.attend = [&](const prefork::AttendantContext& attendant) {
    if (diary->queue == getpid()) ++diary->others;
    wait_for_wish(attendant.child);
  };
  start({.max_children = 1});
  CHECK(eventually([&] { return diary->calls + diary->others >= 1; }));
  CHECK(eventually([&] { return diary->ticks >= 1; }));
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Pool, "A worker that cannot be prepared does not serve") {
  hooks.prepare_worker = [](const prefork::Child&) { throw std::runtime_error("no such user"); };
  start({.max_children = 2});
  CHECK(end() == prefork::Master::exit_cannot_start);
  CHECK(diary->starts == 0);
}

TEST_CASE_METHOD(Pool, "Parts of the master hear of their descriptors and of their children") {
  furnish = [&](prefork::Master& own) {
    int ends[2];
    if (pipe(ends) == -1) _exit(7);
    const pid_t child = fork();
    if (child == 0) _exit(write(ends[1], "x", 1) == 1 ? 3 : 4);
    own.watch(ends[0], [&, fd = ends[0]] {
      char byte = 0;
      if (read(fd, &byte, 1) == 1) ++diary->calls;
      own.forget(fd);
    });
    own.await(child, [&](int status) { diary->others = WEXITSTATUS(status); });
  };
  start({.max_children = 1});
  CHECK(eventually([&] { return diary->calls == 1 && diary->others == 3; }));
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Pool, "Hooks that fail do not end the pool") {
  const auto fail = [] { throw std::runtime_error("cannot"); };
  hooks.ready = fail;
  hooks.reload = fail;
  hooks.reopen_logs = fail;
  hooks.stop_listening = fail;
  hooks.queued = []() -> int { throw std::runtime_error("cannot"); };
  start({.max_children = 1});
  REQUIRE(has_started(1));
  master->signal(SIGUSR2);
  master->signal(SIGUSR1);
  CHECK(has_started(2));
  CHECK(stop() == 0);
}
