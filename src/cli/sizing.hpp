#pragma once

#include <cstdint>
#include <optional>

namespace cli {

// What there is to run a pool on.
struct Machine {
  int cores = 1;
  std::optional<std::int64_t> memory_mb{};  // of all in the container; absent: no limit known
};

// How many workers make the most of it: four for each core, since a visit waits for the lock more
// than it computes, but no more than have room in the memory beside nginx and the segment; two at
// least.
int workers_for(const Machine& machine);

// This one: the cores it may use, and App Engine's word on the memory, GAE_MEMORY_MB.
Machine this_machine();

}  // namespace cli
