#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace prefork {

// How often, and how soon, what has ended may be started again in place: at once the first time,
// ever later after that, and not at all once it has ended too often within a minute.
class Restarts {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::milliseconds;

  static constexpr Duration interval = std::chrono::seconds(60);

  // The pause after the first end within the interval, after the second, and so on: as many as
  // there may be.
  explicit Restarts(std::vector<Duration> pauses = {Duration(100), Duration(300), Duration(1000),
                                                    Duration(2000), Duration(5000)})
      : pauses_(std::move(pauses)) {}

  // It has ended: the pause until it may be started again; none: it may not.
  std::optional<Duration> ended(Time now) {
    while (!ends_.empty() && now - ends_.front() >= interval) ends_.pop_front();
    ends_.push_back(now);
    if (ends_.size() > most()) return std::nullopt;
    return pauses_[ends_.size() - 1];
  }

  std::size_t most() const { return pauses_.size(); }

 private:
  std::vector<Duration> pauses_;
  std::deque<Time> ends_;  // of the last interval
};

}  // namespace prefork
