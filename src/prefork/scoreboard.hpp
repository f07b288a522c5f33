#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace prefork {

// Some bytes that one process writes and others read, without a lock: a reader gets what one
// write() left, whole, or nothing. A writer that dies half-way leaves nothing to read.
class Note {
 public:
  static constexpr std::size_t capacity = 1016;

  // For the writer alone; what is too long is cut.
  void write(std::span<const std::byte> bytes) noexcept;

  // How many bytes were copied into `into` (cut to its size); 0: nothing written, or the writer was
  // busy writing for as long as a reader is willing to look.
  std::size_t read(std::span<std::byte> into) const noexcept;

 private:
  std::atomic<std::uint32_t> version_{0};  // odd: being written
  std::atomic<std::uint32_t> size_{0};
  std::array<std::atomic<std::uint64_t>, capacity / 8> words_{};
};

// What one worker says of itself. Only the worker of that slot writes it, and its master before
// there is a worker and after; everybody reads, without a lock: no death can leave it locked.
// Times are nanoseconds of CLOCK_MONOTONIC unless said otherwise.
struct Slot {
  enum class Stage : std::uint32_t {
    vacant,    // no worker
    starting,  // forked, not serving yet
    idle,      // waits for work
    busy,      // answers a request
  };
  std::atomic<std::uint32_t> version{0};  // odd: the worker is changing what follows (Change)
  std::atomic<Stage> stage{Stage::vacant};
  std::atomic<pid_t> pid{0};
  std::atomic<std::int64_t> started{0};     // when the worker was forked
  std::atomic<std::int64_t> started_at{0};  // the same, as CLOCK_REALTIME
  std::atomic<std::uint64_t> requests{0};   // answered since this worker started
  std::atomic<std::int64_t> busy_since{0};  // when the latest request began; 0: none yet
  std::atomic<int> kept{0};  // connections that may bring more requests to this worker alone
  std::atomic<std::int64_t> idle_since{0};  // when the latest request ended, or the worker began
  std::atomic<std::int64_t> cpu{0};  // of the latest request, on a processor; 0: took under 10 ms
  std::atomic<bool> spent{false};    // has served its share: to be replaced
  std::atomic<bool> leaving{false};  // the master's word: told to retire
  std::atomic<std::uint64_t> accepted{0};  // requests begun in this slot, by all its workers
  Note note;                               // what the latest request is, in the application's bytes
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// While it lives, what stands in a slot does not belong together: whoever reads it looks again.
class Change {
 public:
  explicit Change(Slot& slot) noexcept : slot_(slot), version_(slot.version | 1U) {
    slot_.version.store(version_, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  ~Change() { slot_.version.store(version_ + 1, std::memory_order_release); }

 private:
  Slot& slot_;
  std::uint32_t version_;
};

// What the master says of the pool. It alone writes.
struct PoolRecord {
  std::atomic<std::int64_t> started_at{0};  // CLOCK_REALTIME, of this start or reload
  std::atomic<int> max_active{0};           // most busy workers at once, so far
  std::atomic<int> max_queue{0};            // longest queue of connections seen so far
  std::atomic<std::uint64_t> max_children_reached{
      0};  // times more workers were wanted than allowed
  std::atomic<std::uint64_t> slow_requests{0};
  std::atomic<std::uint64_t> terminated_requests{0};  // over request_terminate_timeout
  std::atomic<std::uint64_t> spawned{0};
  std::atomic<std::uint64_t> recycled{0};  // ended as told: max_requests, too many idle
  std::atomic<std::uint64_t> crashed{0};   // ended by a signal
  std::atomic<std::uint64_t> failed{0};    // ended with a code other than 0
  std::atomic<std::uint64_t> reloads{0};
  std::atomic<std::uint64_t> reloads_refused{0};
};

// One slot per worker and the record of the pool, in anonymous memory that master, attendant and
// workers share through fork.
class Scoreboard {
 public:
  explicit Scoreboard(int slots);
  Scoreboard(const Scoreboard&) = delete;
  Scoreboard& operator=(const Scoreboard&) = delete;
  ~Scoreboard();

  int size() const { return static_cast<int>(slots_.size()); }
  Slot& operator[](int slot) { return slots_[static_cast<std::size_t>(slot)]; }
  const Slot& operator[](int slot) const { return slots_[static_cast<std::size_t>(slot)]; }
  PoolRecord& pool() { return *pool_; }
  const PoolRecord& pool() const { return *pool_; }

  // For the master, before it forks a worker into that slot: starting, with no request yet.
  // `accepted` goes on.
  void clear(int slot);

 private:
  std::span<Slot> slots_;
  PoolRecord* pool_ = nullptr;
  std::span<std::byte> memory_;
};

}  // namespace prefork
