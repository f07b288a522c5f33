#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "os/descriptor.hpp"

namespace os {

// Tells systemd how this service is (sd_notify(3)'s protocol), when it has asked to be told
// (NOTIFY_SOCKET); else it does nothing. Never throws, and never waits: a message that does not go
// is lost.
class Notifier {
 public:
  // Of the environment.
  Notifier();

  bool is_wanted() const { return !address_.empty(); }

  void ready(const std::string& status) const;
  void reloading() const;
  void stopping() const;
  void status(const std::string& text) const;
  void alive() const;  // the watchdog's

  // alive() is to be said at least so often; none: systemd watches no process, or another one.
  std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

 private:
  void send(const std::string& state) const;

  std::string address_;
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace os
