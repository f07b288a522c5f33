#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace prefork {

// Who works in which slot, and when an empty slot may be filled. Book-keeping only: it forks and
// kills nobody and asks no clock, the time comes in. For the master alone.
//
// A worker that has answered a request, or lived for a second, is replaced at once. One that died
// before is replaced after a pause, which doubles with every such death in a row up to half a
// second: what cannot serve must not become a storm of forks.
class Roster {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  enum class Served { no, yes };  // whether a worker has answered a request

  static constexpr Duration first_pause = std::chrono::milliseconds(50);
  static constexpr Duration proof_of_life = std::chrono::seconds(1);
  static constexpr Duration longest_pause = std::chrono::milliseconds(500);

  explicit Roster(int slots) : entries_(static_cast<std::size_t>(slots)) {}

  // A slot without a worker whose pause is over.
  std::optional<int> vacancy(Time now) const;

  // When the first of the pauses is over; none: no slot is in one.
  std::optional<Time> next_vacancy(Time now) const;

  // How many slots stay empty for a pause.
  int paused(Time now) const;

  void joined(int slot, pid_t pid, Time now);

  // The worker of that slot has become ready: whether that is news.
  bool prove(int slot);
  int proven() const;  // workers that have

  struct Departure {
    int slot;
    Duration life;
    Duration pause;  // until it is replaced
  };
  // None if that process is none of ours.
  std::optional<Departure> left(pid_t pid, Served served, Time now);

  std::optional<int> slot_of(pid_t pid) const;
  std::vector<pid_t> workers() const;
  std::optional<pid_t> worker_in(int slot) const;
  Time since(int slot) const { return entries_[static_cast<std::size_t>(slot)].since; }
  bool empty() const { return workers().empty(); }

 private:
  struct Entry {
    pid_t pid = 0;  // 0: vacant
    bool proven = false;
    Time since{};  // when the worker joined
    Time ready{};  // when a vacancy may be filled
    int failures = 0;
  };
  static Duration pause_after(int failures);
  Entry& entry(int slot) { return entries_[static_cast<std::size_t>(slot)]; }

  std::vector<Entry> entries_;
};

}  // namespace prefork
