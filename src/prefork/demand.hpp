#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "prefork/loop.hpp"

namespace prefork {

// The sockets where connections wait for a worker, watched so that growth need not wait for a tick.
// A call for each connection would cost more than it tells: after one there is none until the pool
// has looked, and a pause has passed.
class Demand {
 public:
  using Time = Loop::Time;

  static constexpr auto pause = std::chrono::milliseconds(50);
  static constexpr auto long_pause = std::chrono::milliseconds(250);

  // What a look has found.
  enum class Outlook {
    full,  // the pool cannot grow: what comes is for the record alone, after a long pause
    calm,  // it can, and need not
    busy,  // connections wait, or workers are on their way: it looks again after a pause
  };

  // REQUIRES: the loop outlives it. A socket of -1 is none.
  Demand(Loop& loop, std::vector<int> sockets);

  void watch(const std::function<void()>& call);
  void forget();

  // Whether somebody waits, whatever the kernel tells of its queues.
  bool is_there() const;

  // After each look: when to look again. Time::max(): when called.
  Time looked(Outlook outlook, Time now);

 private:
  Loop& loop_;
  std::vector<int> sockets_;
  std::optional<Time> called_{};  // deaf since then; absent: listening
};

}  // namespace prefork
