#include "prefork/policy.hpp"

#include <algorithm>

namespace prefork {
namespace {

constexpr int looks_of_calm = 5;  // that end an overload

int wanted(const Census& census, const Limits& limits) {
  const int coming = census.idle + census.starting;
  const int unserved = std::max(census.queued - coming, 0);
  switch (limits.sizing) {
    case Sizing::fixed: return std::max(limits.max_children - census.serving(), unserved);
    case Sizing::dynamic: return std::max(limits.min_spare_servers - coming, unserved);
    case Sizing::ondemand: break;
  }
  return unserved;
}

int superfluous(const Census& census, const Limits& limits) {
  if (census.idle == 0 || census.queued > 0) return 0;
  switch (limits.sizing) {
    case Sizing::fixed: return 0;
    case Sizing::dynamic: return census.idle > limits.max_spare_servers ? 1 : 0;
    case Sizing::ondemand: break;
  }
  // The last one stays with the connections that are kept: left to nobody they would want a worker.
  if (census.serving() == 1 && census.kept > 0) return 0;
  return census.longest_idle > limits.process_idle_timeout ? 1 : 0;
}

bool overload_begins(bool overloaded, Mood& mood) {
  mood.calm = overloaded ? 0 : mood.calm + 1;
  const bool begins = overloaded && !mood.overloaded;
  mood.overloaded = overloaded || (mood.overloaded && mood.calm < looks_of_calm);
  return begins;
}

}  // namespace

int initial_workers(const Limits& limits, int predecessors) {
  switch (limits.sizing) {
    case Sizing::fixed: return limits.max_children;
    case Sizing::dynamic:
      return std::min(std::max(limits.start_servers, predecessors), limits.max_children);
    case Sizing::ondemand: break;
  }
  return 0;
}

// Process ids follow each other; their shares should not (a step of the golden ratio).
std::uint64_t share_of(const Limits& limits, std::uint32_t dice) {
  if (limits.max_requests == 0) return 0;
  const std::uint32_t thrown = dice * 0x9E3779B9U;
  return limits.max_requests + thrown % (limits.max_requests / 4 + 1);
}

int turns_of(const Limits& limits) { return std::max(limits.max_children / 4, 1); }

Decision decide(const Census& census, const Limits& limits, Look look, Mood& mood) {
  const int want = wanted(census, limits);
  const int room = limits.max_children - census.serving();
  const int spawn = std::min({want - census.paused, room - census.paused, limits.max_spawn_rate});
  return {
      .spawn = std::max(spawn, 0),
      .retire = look == Look::tick ? superfluous(census, limits) : 0,
      .reached_max = overload_begins(want > std::max(room, 0), mood),
  };
}

}  // namespace prefork
