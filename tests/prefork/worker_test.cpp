#include "prefork/worker.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <ctime>
#include <span>
#include <string>
#include <thread>

#include "os/descriptor.hpp"
#include "os/signals.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"

using namespace std::chrono_literals;
using prefork::Scoreboard;
using prefork::Slot;
using prefork::Worker;
using support::in_child;
using support::is_readable;

namespace {

void answer_one(Worker& worker) {
  worker.begin({});
  worker.end();
}

}  // namespace

TEST_CASE("A worker shows on the scoreboard what it does") {
  Scoreboard scoreboard(1);
  Slot& slot = scoreboard[0];
  scoreboard.clear(0);
  CHECK(in_child([&] {
          Worker worker(slot, {.master = getppid()});
          if (slot.stage != Slot::Stage::starting) return 1;
          worker.idle();
          if (slot.stage != Slot::Stage::idle || slot.idle_since == 0) return 2;
          const std::string note = "GET /";
          worker.begin(std::as_bytes(std::span(note)));
          if (slot.stage != Slot::Stage::busy || slot.requests != 0) return 3;
          if (slot.busy_since < slot.idle_since) return 4;
          worker.end();
          return slot.stage == Slot::Stage::idle && slot.idle_since > slot.busy_since ? 0 : 5;
        }) == 0);
  CHECK(slot.requests == 1);
  CHECK(slot.accepted == 1);
  std::array<std::byte, 64> note{};
  CHECK(slot.note.read(note) == 5);
}

TEST_CASE(
    "A worker shows the processor time of a request of its own that took a clock tick, or more") {
  Scoreboard scoreboard(1);
  Slot& slot = scoreboard[0];
  CHECK(in_child([&] {
          const auto work = [] {  // 20 ms
            for (const auto begin = std::clock(); std::clock() < begin + CLOCKS_PER_SEC / 50;)
              continue;
          };
          Worker worker(slot, {.master = getppid()});
          work();
          worker.begin({});
          std::this_thread::sleep_for(20ms);
          worker.end();
          if (slot.cpu == 0 || slot.cpu > 10'000'000) return 1;
          worker.begin({});
          work();
          worker.end();
          if (slot.cpu < 19'000'000) return 2;
          int answers = 0;  // on a machine with much to do the first may take long
          do answer_one(worker);
          while (slot.cpu > 0 && ++answers < 100);
          return slot.cpu == 0 ? 0 : 3;
        }) == 0);
}

TEST_CASE("A worker rings once when it is ready, and not for its requests") {
  Scoreboard scoreboard(1);
  const os::Descriptor bell(eventfd(0, EFD_NONBLOCK));
  scoreboard.clear(0);
  CHECK(in_child([&] {
          Worker worker(scoreboard[0], {.master = getppid(), .bell = bell.get()});
          if (is_readable(bell.get())) return 1;
          worker.idle();
          for (int i = 0; i < 9; ++i) answer_one(worker);
          return 0;
        }) == 0);
  std::uint64_t rings = 0;
  REQUIRE(read(bell.get(), &rings, sizeof rings) == sizeof rings);
  CHECK(rings == 1);
}

TEST_CASE("A worker that has served its share says so once, and is spent when it is its turn") {
  Scoreboard scoreboard(1);
  const os::Descriptor bell(eventfd(0, EFD_NONBLOCK));
  scoreboard.clear(0);
  CHECK(in_child([&] {
          os::block_signals();
          Worker worker(scoreboard[0], {.master = getppid(), .share = 3, .bell = bell.get()});
          worker.idle();
          for (int i = 0; i < 2; ++i) answer_one(worker);
          if (scoreboard[0].spent) return 1;
          for (int i = 0; i < 4; ++i) answer_one(worker);
          if (!scoreboard[0].spent || worker.spent()) return 2;
          raise(SIGQUIT);
          return worker.spent() ? 0 : 3;
        }) == 0);
  std::uint64_t rings = 0;
  REQUIRE(read(bell.get(), &rings, sizeof rings) == sizeof rings);
  CHECK(rings == 2);
}

TEST_CASE("A worker that is asked to retire early is not spent") {
  Scoreboard scoreboard(1);
  scoreboard.clear(0);
  CHECK(in_child([&] {
          os::block_signals();
          Worker worker(scoreboard[0], {.master = getppid(), .share = 3});
          worker.idle();
          answer_one(worker);
          raise(SIGQUIT);
          return worker.spent() ? 1 : 0;
        }) == 0);
}

// It answers what waits in the backlog first, which one that is spent leaves to others.
TEST_CASE("A worker that has served its share and is told to stop stops, and is not spent") {
  const bool was_asked_to_retire = GENERATE(false, true);
  Scoreboard scoreboard(1);
  scoreboard.clear(0);
  CHECK(in_child([&] {
          os::block_signals();
          Worker worker(scoreboard[0], {.master = getppid(), .share = 1});
          worker.idle();
          answer_one(worker);
          if (was_asked_to_retire) raise(SIGQUIT);
          if (worker.spent() != was_asked_to_retire) return 1;
          raise(SIGTERM);
          return worker.spent() ? 2 : 0;
        }) == 0);
}
