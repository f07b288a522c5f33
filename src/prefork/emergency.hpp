#pragma once

#include <chrono>
#include <deque>

#include "prefork/limits.hpp"

namespace prefork {

// Counts crashes against emergency_restart_threshold: so many within the interval are an emergency,
// and the count begins anew.
class Emergency {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Emergency(const Limits& limits)
      : threshold_(static_cast<std::size_t>(limits.emergency_restart_threshold)),
        interval_(limits.emergency_restart_interval) {}

  // A worker has crashed: whether that makes it an emergency.
  bool crashed(Time now) {
    if (threshold_ == 0) return false;
    crashes_.push_back(now);
    while (now - crashes_.front() > interval_) crashes_.pop_front();
    if (crashes_.size() < threshold_) return false;
    crashes_.clear();
    return true;
  }

 private:
  std::size_t threshold_;
  std::chrono::milliseconds interval_;
  std::deque<Time> crashes_;
};

}  // namespace prefork
