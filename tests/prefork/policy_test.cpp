#include "prefork/policy.hpp"

#include <set>
#include <utility>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using prefork::Census;
using prefork::Decision;
using prefork::Limits;
using prefork::Look;
using prefork::Mood;
using prefork::share_of;
using prefork::Sizing;
using prefork::turns_of;

namespace {

constexpr auto fixed = Sizing::fixed;
constexpr auto dynamic = Sizing::dynamic;
constexpr auto ondemand = Sizing::ondemand;

Limits limits_of(Sizing sizing) {
  return {.sizing = sizing,
          .max_children = 20,
          .start_servers = 4,
          .min_spare_servers = 2,
          .max_spare_servers = 6,
          .max_spawn_rate = 8};
}

Decision decided(const Census& census, const Limits& limits, Look look = Look::tick) {
  Mood mood;
  return decide(census, limits, look, mood);
}

}  // namespace

TEST_CASE("A pool spawns what is wanted, and no more than is allowed") {
  struct Row {
    const char* what;
    Sizing sizing;
    Census census;
    int spawn;
  };
  const auto row = GENERATE(values<Row>({
      {"a static pool fills up, at the rate", fixed, {}, 8},
      {"a static pool fills up", fixed, {.starting = 3, .idle = 10, .busy = 2}, 5},
      {"a full one stays", fixed, {.busy = 20, .queued = 50}, 0},
      {"who retires is replaced", fixed, {.idle = 19, .retiring = 1}, 1},
      {"a place in a pause is not filled", fixed, {.idle = 18, .paused = 1}, 1},
      {"nor are two", fixed, {.idle = 18, .paused = 2}, 0},

      {"a dynamic pool has its spare ones", dynamic, {.busy = 5}, 2},
      {"who starts will be spare", dynamic, {.starting = 1, .busy = 5}, 1},
      {"enough is enough", dynamic, {.idle = 2, .busy = 5}, 0},
      {"each waiting connection wants a worker", dynamic, {.busy = 2, .queued = 5}, 5},
      {"but idle ones will take some", dynamic, {.idle = 2, .busy = 2, .queued = 5}, 3},
      {"and so will those that start", dynamic, {.starting = 5, .busy = 2, .queued = 5}, 0},
      {"at most the rate at once", dynamic, {.busy = 2, .queued = 18}, 8},
      {"at most up to the limit", dynamic, {.busy = 17, .queued = 18}, 3},
      {"not beyond it", dynamic, {.busy = 20, .queued = 18}, 0},
      {"nor to fill pauses", dynamic, {.busy = 2, .paused = 2, .queued = 5}, 3},

      {"without work there is nobody", ondemand, {}, 0},
      {"the first connection makes a worker", ondemand, {.queued = 1}, 1},
      {"busy ones are no help", ondemand, {.busy = 3, .queued = 2}, 2},
      {"an idle one is", ondemand, {.idle = 1, .queued = 1}, 0},
      {"no spare ones", ondemand, {.busy = 3}, 0},
      {"what cannot start pauses", ondemand, {.paused = 1, .queued = 1}, 0},
  }));
  CAPTURE(row.what);
  CHECK(decided(row.census, limits_of(row.sizing)).spawn == row.spawn);
  CHECK(decided(row.census, limits_of(row.sizing), Look::demand).spawn == row.spawn);
}

TEST_CASE("A pool shrinks by one idle worker a tick") {
  struct Row {
    const char* what;
    Sizing sizing;
    Census census;
    int retire;
  };
  const auto row = GENERATE(values<Row>({
      {"a static pool never", fixed, {.idle = 20, .longest_idle = 1h}, 0},
      {"a dynamic one with too many spare ones", dynamic, {.idle = 7}, 1},
      {"far too many", dynamic, {.idle = 15}, 1},
      {"just as many as allowed", dynamic, {.idle = 6, .longest_idle = 1h}, 0},
      {"those who go are gone", dynamic, {.idle = 6, .retiring = 9}, 0},
      {"not while connections wait", dynamic, {.idle = 7, .queued = 1}, 0},
      {"idle for too long", ondemand, {.idle = 1, .longest_idle = 10001ms}, 1},
      {"the last one keeps what is kept", ondemand, {.idle = 1, .kept = 3, .longest_idle = 1h}, 0},
      {"one of two need not", ondemand, {.idle = 2, .kept = 3, .longest_idle = 1h}, 1},
      {"not too long", ondemand, {.idle = 9, .longest_idle = 10s}, 0},
      {"idle for long, but about to work",
       ondemand,
       {.idle = 1, .queued = 1, .longest_idle = 1h},
       0},
      {"nobody is idle", ondemand, {.busy = 2, .longest_idle = 1h}, 0},
  }));
  CAPTURE(row.what);
  CHECK(decided(row.census, limits_of(row.sizing)).retire == row.retire);
  CHECK(decided(row.census, limits_of(row.sizing), Look::demand).retire == 0);
}

TEST_CASE("Two idle workers and twenty requests at once: all the workers, in three looks") {
  const Limits limits = limits_of(dynamic);
  Mood mood;
  Census census{.busy = 2, .queued = 18};
  for (const int spawn : {8, 8, 2, 0}) {
    const Decision decision = decide(census, limits, Look::demand, mood);
    CHECK(decision.spawn == spawn);
    census.starting += decision.spawn;
  }
}

TEST_CASE("An overload is told once, when more workers are wanted than allowed") {
  struct Row {
    const char* what;
    Sizing sizing;
    Census census;
    bool reached;
  };
  const auto row = GENERATE(values<Row>({
      {"static, full, and somebody waits", fixed, {.busy = 20, .queued = 1}, true},
      {"static, full", fixed, {.busy = 20}, false},
      {"static, and an idle one takes it", fixed, {.idle = 1, .busy = 19, .queued = 1}, false},
      {"static, not full yet", fixed, {.busy = 3}, false},
      {"static, places in a pause", fixed, {.busy = 18, .paused = 2}, false},
      {"dynamic, no spare one", dynamic, {.busy = 20}, true},
      {"dynamic, at its limit", dynamic, {.idle = 2, .busy = 18}, false},
      {"dynamic, wants too many", dynamic, {.busy = 10, .queued = 11}, true},
      {"dynamic, wants as many as there is room for", dynamic, {.busy = 10, .queued = 10}, false},
      {"ondemand, full", ondemand, {.busy = 20}, false},
      {"ondemand, full, and somebody waits", ondemand, {.busy = 20, .queued = 1}, true},
  }));
  CAPTURE(row.what);
  const Limits limits = limits_of(row.sizing);
  Mood mood;
  CHECK(decide(row.census, limits, Look::tick, mood).reached_max == row.reached);
  for (int i = 0; i < 9; ++i) {
    CHECK_FALSE(decide(row.census, limits, Look::tick, mood).reached_max);
  }
}

TEST_CASE("A moment without a want does not end an overload, some calm does") {
  const Limits limits = limits_of(fixed);
  const Census full{.busy = 20, .queued = 1};
  const Census calm{.idle = 20};
  Mood mood;
  const auto look = [&](const Census& census) {
    return decide(census, limits, Look::tick, mood).reached_max;
  };
  CHECK(look(full));
  for (int i = 0; i < 4; ++i) CHECK_FALSE(look(calm));
  CHECK_FALSE(look(full));
  for (int i = 0; i < 5; ++i) CHECK_FALSE(look(calm));
  CHECK(look(full));
}

TEST_CASE("A pool begins with its workers, and with as many as it takes over from") {
  CHECK(initial_workers(limits_of(fixed)) == 20);
  CHECK(initial_workers(limits_of(fixed), 30) == 20);
  CHECK(initial_workers(limits_of(dynamic)) == 4);
  CHECK(initial_workers(limits_of(dynamic), 2) == 4);
  CHECK(initial_workers(limits_of(dynamic), 9) == 9);
  CHECK(initial_workers(limits_of(dynamic), 30) == 20);
  CHECK(initial_workers(limits_of(ondemand), 9) == 0);
}

TEST_CASE("Shares are max_requests to a quarter more, spread, and always the same for a worker") {
  const Limits limits{.max_requests = 100};
  std::set<std::uint64_t> shares;
  for (std::uint32_t pid = 4000; pid < 4100; ++pid) {
    shares.insert(share_of(limits, pid));
    CHECK(share_of(limits, pid) == share_of(limits, pid));
  }
  CHECK(*shares.begin() >= 100);
  CHECK(*shares.rbegin() <= 125);
  CHECK(shares.size() > 20);
  CHECK(share_of({.max_requests = 1}, 4000) == 1);
  CHECK(share_of({}, 4000) == 0);
}

TEST_CASE("A quarter of a pool is replaced at once, and one worker at least") {
  for (const auto& [workers, turns] : {std::pair{1, 1}, {3, 1}, {8, 2}, {11, 2}, {100, 25}}) {
    CHECK(turns_of({.max_children = workers}) == turns);
  }
}
