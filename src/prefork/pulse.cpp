#include "prefork/pulse.hpp"

#include <cstdint>

namespace prefork {
namespace {

// When the worker last showed that it makes progress; now, if it waits for work.
std::int64_t last_beat(const Slot& slot, std::int64_t now) {
  switch (slot.stage) {
    case Slot::Stage::starting: return slot.started;
    case Slot::Stage::busy: return slot.busy_since;
    case Slot::Stage::idle:
    case Slot::Stage::vacant: break;
  }
  return now;
}

}  // namespace

bool has_pulse(const Scoreboard& scoreboard, std::chrono::nanoseconds limit,
               std::chrono::nanoseconds now) {
  bool has_workers = false;
  for (int i = 0; i < scoreboard.size(); ++i) {
    const Slot& slot = scoreboard[i];
    if (slot.stage == Slot::Stage::vacant) continue;
    has_workers = true;
    if (now.count() - last_beat(slot, now.count()) <= limit.count()) return true;
  }
  return !has_workers;
}

}  // namespace prefork
