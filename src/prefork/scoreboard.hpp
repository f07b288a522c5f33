#pragma once

#include <atomic>
#include <cstdint>
#include <span>

namespace prefork {

// What one worker says of itself. Only the worker of that slot writes it, and its master before
// there is a worker; everybody reads, without a lock: no death can leave it locked.
struct Slot {
  enum class Stage : std::uint32_t {
    starting,  // forked, not serving yet
    idle,      // waits for work
    busy,      // answers a request
  };
  std::atomic<Stage> stage{Stage::starting};
  std::atomic<std::uint64_t> requests{0};  // answered since this worker started
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// One slot per worker, in anonymous memory that master and workers share through fork.
class Scoreboard {
 public:
  explicit Scoreboard(int slots);
  Scoreboard(const Scoreboard&) = delete;
  Scoreboard& operator=(const Scoreboard&) = delete;
  ~Scoreboard();

  int size() const { return static_cast<int>(slots_.size()); }
  Slot& operator[](int slot) { return slots_[static_cast<std::size_t>(slot)]; }

  // For the master, before it forks a worker into that slot.
  void clear(int slot);

 private:
  std::span<Slot> slots_;
};

}  // namespace prefork
