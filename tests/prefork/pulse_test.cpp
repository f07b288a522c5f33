#include "prefork/pulse.hpp"

#include <chrono>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using prefork::has_pulse;
using prefork::Scoreboard;
using prefork::Slot;

namespace {

constexpr std::chrono::nanoseconds now = 100s;
constexpr std::chrono::nanoseconds limit = 10s;

void busy_since(Slot& slot, std::chrono::nanoseconds since) {
  slot.stage = Slot::Stage::busy;
  slot.busy_since = since.count();
}

}  // namespace

TEST_CASE("A pool has a pulse while one worker is idle, or busy with a request of late") {
  Scoreboard scoreboard(3);
  busy_since(scoreboard[0], 1s);
  busy_since(scoreboard[1], 1s);
  CHECK_FALSE(has_pulse(scoreboard, limit, now));
  SECTION("idle, for however long") {
    scoreboard[1].stage = Slot::Stage::idle;
    CHECK(has_pulse(scoreboard, limit, now));
  }
  SECTION("busy with the next request") {
    busy_since(scoreboard[1], now - limit);
    CHECK(has_pulse(scoreboard, limit, now));
    busy_since(scoreboard[1], now - limit - 1ns);
    CHECK_FALSE(has_pulse(scoreboard, limit, now));
  }
  SECTION("just started") {
    scoreboard[2].stage = Slot::Stage::starting;
    scoreboard[2].started = (now - 1s).count();
    CHECK(has_pulse(scoreboard, limit, now));
    scoreboard[2].started = 1;
    CHECK_FALSE(has_pulse(scoreboard, limit, now));
  }
}

TEST_CASE("A pool that has no workers, because it needs none, has a pulse") {
  const Scoreboard scoreboard(3);
  CHECK(has_pulse(scoreboard, limit, now));
}
