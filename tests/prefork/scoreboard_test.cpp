#include "prefork/scoreboard.hpp"

#include <array>
#include <csignal>
#include <span>
#include <string>

#include "support/catch.hpp"
#include "support/child.hpp"

using prefork::Scoreboard;
using prefork::Slot;

TEST_CASE("A scoreboard has its slots, all of them vacant") {
  Scoreboard scoreboard(300);
  REQUIRE(scoreboard.size() == 300);
  for (int slot = 0; slot < scoreboard.size(); ++slot) {
    CHECK(scoreboard[slot].stage == Slot::Stage::vacant);
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
  CHECK(scoreboard[0].stage == Slot::Stage::vacant);
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

TEST_CASE("A note is read as it was written, cut to the reader's room") {
  Scoreboard scoreboard(1);
  const std::string text = "GET /a/b?x=1";
  std::array<char, 64> into{};
  const auto room = std::as_writable_bytes(std::span(into));
  CHECK(scoreboard[0].note.read(room) == 0);
  scoreboard[0].note.write(std::as_bytes(std::span(text)));
  REQUIRE(scoreboard[0].note.read(room) == text.size());
  CHECK(std::string(into.data(), text.size()) == text);
  REQUIRE(scoreboard[0].note.read(room.first(3)) == 3);
}

// Every byte of a note is the same letter, so a torn one would show.
TEST_CASE("A note is never read torn, and a writer that dies leaves nothing to wait for") {
  Scoreboard scoreboard(1);
  support::Child writer([&] {
    for (std::size_t round = 0;; ++round) {
      const std::string text(1 + round % 1000, static_cast<char>('a' + round % 26));
      scoreboard[0].note.write(std::as_bytes(std::span(text)));
    }
    return 0;
  });
  std::array<char, prefork::Note::capacity> into{};
  for (int look = 0; look < 20000; ++look) {
    const std::size_t size = scoreboard[0].note.read(std::as_writable_bytes(std::span(into)));
    REQUIRE(std::string(into.data(), size) == std::string(size, into[0]));
  }
  writer.signal(SIGKILL);
  writer.wait();
  CHECK(scoreboard[0].note.read(std::as_writable_bytes(std::span(into))) <= into.size());
}
