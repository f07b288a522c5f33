#pragma once

#include <chrono>

#include "visits/view/snapshot.hpp"

namespace support {

// A pool with one worker that has answered a request and one that answers one.
inline visits::view::Snapshot pool_example() {
  using namespace std::chrono_literals;
  using visits::view::Process;
  visits::view::Snapshot snapshot;
  snapshot.pool = "www";
  snapshot.sizing = prefork::Sizing::dynamic;
  snapshot.max_children = 5;
  snapshot.started_at = 1'795'501'547s;
  snapshot.now = snapshot.started_at + 60s;
  snapshot.processes = {{.pid = 101,
                         .state = Process::State::idle,
                         .started_at = snapshot.started_at,
                         .requests = 7,
                         .duration = 128us,
                         .method = "GET",
                         .uri = "/a?b=1&c=\"<>\\",
                         .cpu = 99.126},
                        {.pid = 102,
                         .state = Process::State::busy,
                         .started_at = snapshot.started_at + 10s,
                         .duration = 2s,
                         .method = "POST",
                         .uri = "/post",
                         .content_length = 12,
                         .user = "anna",
                         .script = "/srv/x.php"}};
  snapshot.queue = os::Backlog{.pending = 3, .capacity = 128};
  snapshot.accepted = 8;
  snapshot.max_queue = 9;
  snapshot.max_active = 2;
  snapshot.max_children_reached = 4;
  snapshot.slow = 6;
  snapshot.terminated = 1;
  snapshot.spawned = 12;
  snapshot.recycled = 5;
  snapshot.crashed = 2;
  snapshot.failed = 3;
  snapshot.reloads = 10;
  snapshot.reloads_refused = 11;
  snapshot.totals.answers = {70, 1, 2, 0, 0, 3, 4, 5};
  snapshot.totals.visits = 69;
  snapshot.totals.service.counts[0] = 60;
  snapshot.totals.service.counts[13] = 9;
  snapshot.totals.service.counts[17] = 1;
  snapshot.totals.service.sum = 12'000'000'001ns;
  return snapshot;
}

}  // namespace support
