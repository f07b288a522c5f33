#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace os {

// Keeps one trouble that comes with every request from filling the log: a text that was said within
// the last second is not said again, only counted. The time comes in.
class Throttle {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // What to say now, if anything: the text, and how often it came unsaid in between.
  std::optional<std::string> pass(const std::string& text, Time now);

 private:
  std::string last_;
  Time said_{};
  long unsaid_ = 0;
};

}  // namespace os
