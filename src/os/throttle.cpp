#include "os/throttle.hpp"

namespace os {

std::optional<std::string> Throttle::pass(const std::string& text, Time now) {
  using namespace std::chrono_literals;
  if (text == last_ && now - said_ < 1s) {
    ++unsaid_;
    return std::nullopt;
  }
  const bool again = text == last_ && unsaid_ > 0;
  std::string line = again ? text + " (and " + std::to_string(unsaid_) + " times more)" : text;
  last_ = text;
  said_ = now;
  unsaid_ = 0;
  return line;
}

}  // namespace os
