#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "prefork/limits.hpp"

namespace prefork {

// Judges how long requests take. Pure: the times come in, as they stand on the scoreboard.
class Timekeeper {
 public:
  using Time = std::chrono::nanoseconds;  // of CLOCK_MONOTONIC

  enum class Verdict {
    fine,
    slow,     // over request_slowlog_timeout; said once for each request
    overdue,  // so far over request_terminate_timeout that its worker will not end by itself
  };
  struct Judgement {
    Verdict verdict = Verdict::fine;
    Time next{};  // when to judge this request again; Time::max(): no need
  };

  Timekeeper(const Limits& limits, int slots);

  Judgement judge(int slot, Time busy_since, Time now);

  // A worker has that time to answer 504 itself: half as long again, and at least a second more.
  Time last_moment() const;

  // How often to look for requests that have begun, so as to miss none that is slow; none: a look
  // once a second is enough.
  std::optional<Time> interval() const;

 private:
  Time slow_;               // 0: none
  Time terminate_;          // 0: none
  std::vector<Time> said_;  // per slot: when the request began that was called slow last
};

}  // namespace prefork
