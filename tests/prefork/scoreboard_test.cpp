#include "prefork/scoreboard.hpp"

#include "support/catch.hpp"
#include "support/child.hpp"

using prefork::Scoreboard;
using prefork::Slot;

TEST_CASE("A scoreboard has its slots, all of them starting") {
  Scoreboard scoreboard(300);
  REQUIRE(scoreboard.size() == 300);
  for (int slot = 0; slot < scoreboard.size(); ++slot) {
    CHECK(scoreboard[slot].stage == Slot::Stage::starting);
    CHECK(scoreboard[slot].requests == 0);
  }
}

TEST_CASE("What a child writes on the scoreboard, its parent reads") {
  Scoreboard scoreboard(2);
  support::in_child([&] {
    scoreboard[1].stage = Slot::Stage::busy;
    scoreboard[1].requests = 7;
    return 0;
  });
  CHECK(scoreboard[1].stage == Slot::Stage::busy);
  CHECK(scoreboard[1].requests == 7);
  CHECK(scoreboard[0].stage == Slot::Stage::starting);
}

TEST_CASE("A cleared slot starts again, and its neighbour goes on") {
  Scoreboard scoreboard(2);
  for (int slot = 0; slot < 2; ++slot) {
    scoreboard[slot].stage = Slot::Stage::idle;
    scoreboard[slot].requests = 7;
  }
  scoreboard.clear(0);
  CHECK(scoreboard[0].stage == Slot::Stage::starting);
  CHECK(scoreboard[0].requests == 0);
  CHECK(scoreboard[1].stage == Slot::Stage::idle);
  CHECK(scoreboard[1].requests == 7);
}
