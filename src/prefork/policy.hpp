#pragma once

#include <cstdint>

#include "prefork/census.hpp"
#include "prefork/limits.hpp"

namespace prefork {

// How many workers there should be at the start, or to take over from others.
int initial_workers(const Limits& limits, int predecessors = 0);

// How many requests a worker serves before it is replaced: max_requests and up to a quarter more,
// for workers that began together should not end together. The same dice, the same share. 0: no
// limit.
std::uint64_t share_of(const Limits& limits, std::uint32_t dice);

// How many workers of a pool may be replaced at once.
int turns_of(const Limits& limits);

// What a policy remembers from one look to the next.
struct Mood {
  bool overloaded = false;  // more workers were wanted than allowed, and not yet enough calm since
  int calm = 0;             // looks without a want, since then
};

enum class Look {
  tick,    // once a second: shrinking goes one by one
  demand,  // in between, because there may be work for more workers
};

struct Decision {
  int spawn = 0;
  int retire = 0;            // of the idle ones, who have been so for longest first
  bool reached_max = false;  // more are wanted than allowed: the first look of an overload alone
};

// How a pool grows and shrinks: pure. Growth follows demand. Each waiting connection that no idle
// worker, and none that is starting, will take wants a worker now; a dynamic pool wants its spare
// ones besides. At most max_spawn_rate at once.
Decision decide(const Census& census, const Limits& limits, Look look, Mood& mood);

}  // namespace prefork
