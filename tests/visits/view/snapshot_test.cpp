#include "visits/view/snapshot.hpp"

#include <sched.h>

#include <csignal>
#include <string>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "visits/activity.hpp"

using namespace std::chrono_literals;
using prefork::Slot;
using visits::view::Process;

namespace {

struct Pool {
  prefork::Scoreboard scoreboard{3};
  visits::Statistics statistics{3};
  prefork::Limits limits;
  std::optional<os::Backlog> queue;
  visits::view::Moment now{.monotonic = 100s, .realtime = 1'000'000s};

  visits::view::Snapshot look(visits::view::Detail detail = visits::view::Detail::full) const {
    return visits::view::snapshot_of(scoreboard, statistics, limits, queue, now, detail);
  }
};

std::int64_t ns(std::chrono::nanoseconds time) { return time.count(); }

void note(Slot& slot, const visits::Activity& activity) {
  visits::ActivityBytes bytes;
  slot.note.write(encode(activity, bytes));
}

void be_idle(Slot& slot) {
  slot.pid = 17;
  slot.started_at = ns(999'990s + 5ms);
  slot.requests = 7;
  slot.busy_since = ns(90s);
  slot.idle_since = ns(90s + 200us);
  slot.cpu = ns(50us);
  slot.stage = Slot::Stage::idle;
}

}  // namespace

TEST_CASE_METHOD(Pool, "A pool without workers has no processes") {
  CHECK(look().processes.empty());
  CHECK(look().accepted == 0);
}

TEST_CASE_METHOD(Pool, "An idle worker shows its latest request and how long that took") {
  be_idle(scoreboard[1]);
  note(scoreboard[1], {.method = "GET", .uri = "/a", .query = "b\n", .content_length = 4});
  const auto snapshot = look();
  REQUIRE(snapshot.processes.size() == 1);
  const Process& process = snapshot.processes[0];
  CHECK(process.pid == 17);
  CHECK(process.state == Process::State::idle);
  CHECK(process.started_at == 999'990s);
  CHECK(process.requests == 7);
  CHECK(process.duration == 200us);
  CHECK(process.cpu == 25.0);
  CHECK(process.method == "GET");
  CHECK(process.uri == "/a?b\xef\xbf\xbd");
  CHECK(process.content_length == 4);
  CHECK(process.user == "-");
  CHECK(process.script == "-");
}

TEST_CASE_METHOD(Pool, "A look at the pool alone counts its workers and reads no request") {
  be_idle(scoreboard[1]);
  note(scoreboard[1], {.method = "GET", .uri = "/a"});
  const auto snapshot = look(visits::view::Detail::pool);
  CHECK(snapshot.count(Process::State::idle) == 1);
  CHECK(snapshot.processes.at(0).uri == "-");
}

TEST_CASE_METHOD(Pool, "A busy worker shows how long its request has taken so far") {
  Slot& slot = scoreboard[0];
  be_idle(slot);
  slot.busy_since = ns(99s);
  slot.stage = Slot::Stage::busy;
  const Process process = look().processes.at(0);
  CHECK(process.state == Process::State::busy);
  CHECK(process.duration == 1s);
  CHECK(process.cpu == 0);
}

TEST_CASE_METHOD(Pool, "A worker that has not begun anything has taken no time") {
  scoreboard[0].stage = Slot::Stage::starting;
  const Process process = look().processes.at(0);
  CHECK(process.state == Process::State::starting);
  CHECK(process.duration == 0us);
  CHECK(process.uri == "-");
}

TEST_CASE_METHOD(Pool, "A note of bytes that no worker wrote is as none") {
  be_idle(scoreboard[0]);
  const std::string noise(600, '\xff');
  scoreboard[0].note.write(std::as_bytes(std::span(noise)));
  CHECK(look().processes.at(0).uri == "-");
}

TEST_CASE_METHOD(Pool, "The pool's numbers are the master's and all slots' together") {
  limits.name = "www";
  limits.max_children = 3;
  scoreboard.pool().started_at = ns(999'000s);
  scoreboard.pool().max_active = 2;
  scoreboard.pool().reloads = 5;
  for (int slot = 0; slot < 3; ++slot) scoreboard[slot].accepted = 10;
  statistics[2].visits.add(4);
  const auto snapshot = look();
  CHECK(snapshot.pool == "www");
  CHECK(snapshot.max_children == 3);
  CHECK(snapshot.uptime() == 1000s);
  CHECK(snapshot.accepted == 30);
  CHECK(snapshot.max_active == 2);
  CHECK(snapshot.reloads == 5);
  CHECK(snapshot.totals.visits == 4);
}

TEST_CASE_METHOD(Pool, "A maximum is never below what is there now") {
  queue = os::Backlog{.pending = 8, .capacity = 10};
  be_idle(scoreboard[0]);
  scoreboard[0].busy_since = ns(99s);
  scoreboard[0].stage = Slot::Stage::busy;
  CHECK(look().max_queue == 8);
  CHECK(look().max_active == 1);
}

// The worker's request number n is /n, begun with n - 1 answered.
TEST_CASE_METHOD(Pool, "A worker that changes all the time is never shown torn") {
  Slot& slot = scoreboard[0];
  support::Child worker([&] {
    for (std::int64_t n = 1;; ++n) {
      {
        const prefork::Change change(slot);
        slot.busy_since = 2 * n;
        const std::string uri = "/" + std::to_string(n);
        note(slot, {.method = "GET", .uri = uri});
        slot.stage = Slot::Stage::busy;
      }
      sched_yield();
      {
        const prefork::Change change(slot);
        slot.requests = static_cast<std::uint64_t>(n);
        slot.idle_since = 2 * n + 1;
        slot.stage = Slot::Stage::idle;
      }
      sched_yield();
    }
    return 0;
  });
  REQUIRE(support::eventually([&] { return slot.requests > 0; }));
  int torn = 0;
  int shown = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Process process = look().processes.at(0);
    const bool busy = process.state == Process::State::busy;
    if (process.uri == "-") continue;  // it changed each time that it was read
    ++shown;
    if (process.uri != "/" + std::to_string(process.requests + (busy ? 1 : 0))) ++torn;
  }
  CHECK(torn == 0);
  CHECK(shown > 0);
}
