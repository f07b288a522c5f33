#include "visits/statistics.hpp"

#include <csignal>

#include "support/catch.hpp"
#include "support/child.hpp"

using namespace std::chrono_literals;
using visits::Histogram;
using visits::Statistics;

namespace {

// Which bucket that duration is counted in.
std::size_t bucket_of(std::chrono::nanoseconds duration) {
  Histogram histogram;
  histogram.add(duration);
  const auto reading = histogram.read();
  REQUIRE(reading.count() == 1);
  std::size_t bucket = 0;
  while (reading.counts.at(bucket) == 0) ++bucket;
  return bucket;
}

}  // namespace

TEST_CASE("A duration is counted up to its bound, and what is longer than all in the last bucket") {
  CHECK(bucket_of(-1s) == 0);
  CHECK(bucket_of(0ns) == 0);
  CHECK(bucket_of(50us) == 0);
  CHECK(bucket_of(50us + 1ns) == 1);
  CHECK(bucket_of(1ms) == 4);
  CHECK(bucket_of(10s) == 16);
  CHECK(bucket_of(10s + 1ns) == 17);
  CHECK(bucket_of(24h) == 17);
}

TEST_CASE("A histogram's sum is that of what was added, and nothing is below zero") {
  Histogram histogram;
  for (const auto duration : {3ns, 2'000'000'005ns, -10ns}) histogram.add(duration);
  CHECK(histogram.read().sum == 2s + 8ns);
}

TEST_CASE("What workers add is in the totals, and stays there when they die") {
  Statistics statistics(3);
  for (int slot = 0; slot < 3; ++slot) {
    for (int life = 0; life < 2; ++life) {
      support::in_child([&] {
        Statistics::Row& row = statistics[slot];
        row.answered(200);
        row.answered(503);
        row.visits.add();
        row.dropped_events.add(4);
        row.refused.add();
        row.abandoned.add();
        row.service.add(1ms);
        row.queue.add(2s);
        return raise(SIGKILL);
      });
    }
  }
  const Statistics::Totals totals = statistics.totals();
  CHECK(totals.answers == std::array<std::uint64_t, 8>{6, 0, 0, 0, 0, 6, 0, 0});
  CHECK(totals.visits == 6);
  CHECK(totals.dropped_events == 24);
  CHECK(totals.refused == 6);
  CHECK(totals.abandoned == 6);
  CHECK(totals.service.count() == 6);
  CHECK(totals.service.sum == 6ms);
  CHECK(totals.queue.sum == 12s);
}

TEST_CASE("A status without a number of its own is counted with the others") {
  Statistics statistics(1);
  for (const int status : {418, 0, -1, 200}) statistics[0].answered(status);
  CHECK(statistics.totals().answers == std::array<std::uint64_t, 8>{1, 0, 0, 0, 0, 0, 0, 3});
}

TEST_CASE("A reader in the middle of the work never sees a number fall") {
  Statistics statistics(2);
  const auto work = [&](int slot) {
    for (int i = 0; i < 200'000; ++i) statistics[slot].service.add(std::chrono::microseconds(i));
    return 0;
  };
  support::Child first([&] { return work(0); });
  support::Child second([&] { return work(1); });
  std::uint64_t before = 0;
  bool fell = false;
  while (!first.has_ended() || !second.has_ended()) {
    const std::uint64_t now = statistics.totals().service.count();
    fell = fell || now < before;
    before = now;
  }
  CHECK_FALSE(fell);
  CHECK(statistics.totals().service.count() == 400'000);
}
