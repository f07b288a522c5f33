#include "prefork/timekeeper.hpp"

#include <algorithm>

namespace prefork {

using namespace std::chrono_literals;

Timekeeper::Timekeeper(const Limits& limits, int slots)
    : slow_(limits.request_slowlog_timeout),
      terminate_(limits.request_terminate_timeout),
      said_(static_cast<std::size_t>(slots)) {}

Timekeeper::Time Timekeeper::last_moment() const {
  return std::max<Time>(terminate_ + 1s, terminate_ + terminate_ / 2);
}

std::optional<Timekeeper::Time> Timekeeper::interval() const {
  if (slow_ == 0s || slow_ >= 2s) return std::nullopt;
  return std::max<Time>(slow_ / 2, 10ms);
}

Timekeeper::Judgement Timekeeper::judge(int slot, Time busy_since, Time now) {
  Time& said = said_[static_cast<std::size_t>(slot)];
  const Time end = terminate_ > 0s ? busy_since + last_moment() : Time::max();
  if (now >= end) return {.verdict = Verdict::overdue, .next = now + 1s};
  if (slow_ == 0s || said == busy_since) return {.next = end};
  const Time slow_from = busy_since + slow_;
  if (now < slow_from) return {.next = std::min(slow_from, end)};
  said = busy_since;
  return {.verdict = Verdict::slow, .next = end};
}

}  // namespace prefork
