#include "prefork/roster.hpp"

#include <vector>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using prefork::Roster;
using Served = Roster::Served;

namespace {

constexpr Roster::Time start{};

// The pause after another worker of slot 0 has come and gone.
Roster::Duration pause_after(Roster& roster, Served served) {
  roster.joined(0, 100, start);
  return roster.left(100, served, start)->pause;
}

}  // namespace

TEST_CASE("A new roster has every slot vacant, and the first one is filled first") {
  Roster roster(2);
  CHECK(roster.empty());
  CHECK(roster.vacancy(start) == 0);
  roster.joined(0, 100, start);
  CHECK(roster.vacancy(start) == 1);
  roster.joined(1, 101, start);
  CHECK_FALSE(roster.vacancy(start + 1h));
  CHECK_FALSE(roster.next_vacancy(start));
}

TEST_CASE("A roster knows its workers and their slots") {
  Roster roster(3);
  roster.joined(1, 101, start);
  roster.joined(2, 102, start);
  CHECK(roster.workers() == std::vector<pid_t>{101, 102});
  CHECK(roster.slot_of(102) == 2);
  CHECK_FALSE(roster.empty());
}

TEST_CASE("Strangers have no slot, and their departure changes nothing") {
  Roster roster(2);
  roster.joined(0, 100, start);
  CHECK_FALSE(roster.slot_of(999));
  CHECK_FALSE(roster.left(999, Served::no, start));
  CHECK_FALSE(roster.slot_of(0));
  CHECK_FALSE(roster.left(0, Served::no, start));
  CHECK(roster.workers() == std::vector<pid_t>{100});
}

TEST_CASE("A departure tells slot and life, and leaves the slot vacant") {
  Roster roster(2);
  roster.joined(1, 101, start + 1s);
  const auto departure = roster.left(101, Served::yes, start + 5s);
  REQUIRE(departure);
  CHECK(departure->slot == 1);
  CHECK(departure->life == 4s);
  CHECK(roster.empty());
  CHECK_FALSE(roster.slot_of(101));
}

TEST_CASE("A worker that served is replaced at once") {
  Roster roster(1);
  CHECK(pause_after(roster, Served::yes) == 0ms);
  CHECK(roster.vacancy(start) == 0);
}

TEST_CASE("Failures to start in a row double the pause, up to a second") {
  Roster roster(1);
  for (const auto pause : {50ms, 100ms, 200ms, 400ms, 500ms, 500ms}) {
    CHECK(pause_after(roster, Served::no) == pause);
  }
  for (int i = 0; i < 100; ++i) CHECK(pause_after(roster, Served::no) == 500ms);
}

TEST_CASE("A worker that served ends the row of failures") {
  Roster roster(1);
  pause_after(roster, Served::no);
  pause_after(roster, Served::no);
  pause_after(roster, Served::yes);
  CHECK(pause_after(roster, Served::no) == 50ms);
}

TEST_CASE("A slot is vacant from the end of its pause on") {
  Roster roster(1);
  pause_after(roster, Served::no);
  CHECK(roster.next_vacancy(start) == start + 50ms);
  CHECK_FALSE(roster.next_vacancy(start + 50ms));
  CHECK_FALSE(roster.vacancy(start + 49ms));
  CHECK(roster.vacancy(start + 50ms) == 0);
}

TEST_CASE("One slot's failures do not delay another") {
  Roster roster(2);
  pause_after(roster, Served::no);
  CHECK(roster.vacancy(start) == 1);
  roster.joined(1, 101, start);
  CHECK(roster.next_vacancy(start) == start + 50ms);
}

TEST_CASE("A worker that lived for a second is replaced at once, though it answered nothing") {
  Roster roster(1);
  roster.joined(0, 101, start);
  CHECK(roster.left(101, Served::no, start + 1s)->pause == 0s);
  roster.joined(0, 102, start);
  CHECK(roster.left(102, Served::no, start + 999ms)->pause == Roster::first_pause);
}

TEST_CASE("A roster counts the slots that stay empty for a pause") {
  Roster roster(3);
  CHECK(roster.paused(start) == 0);
  pause_after(roster, Served::no);
  CHECK(roster.paused(start) == 1);
  CHECK(roster.paused(start + 50ms) == 0);
  roster.joined(0, 100, start + 50ms);
  CHECK(roster.paused(start) == 0);
  CHECK(roster.worker_in(0) == 100);
  CHECK(roster.since(0) == start + 50ms);
  CHECK_FALSE(roster.worker_in(1));
}

TEST_CASE("That a worker has become ready is news once, and is forgotten with it") {
  Roster roster(2);
  roster.joined(0, 100, start);
  CHECK(roster.proven() == 0);
  CHECK(roster.prove(0));
  CHECK_FALSE(roster.prove(0));
  CHECK(roster.proven() == 1);
  roster.left(100, Served::yes, start);
  CHECK(roster.proven() == 0);
  roster.joined(0, 101, start);
  CHECK(roster.proven() == 0);
  CHECK(roster.prove(0));
}
