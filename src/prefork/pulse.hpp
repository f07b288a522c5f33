#pragma once

#include <chrono>

#include "prefork/scoreboard.hpp"

namespace prefork {

// Whether a pool makes progress: some worker is idle, or has begun a request, or its own life,
// within the limit. A pool without workers makes as much as it has to. `now` is CLOCK_MONOTONIC.
bool has_pulse(const Scoreboard& scoreboard, std::chrono::nanoseconds limit,
               std::chrono::nanoseconds now);

}  // namespace prefork
