#pragma once

#include <optional>
#include <string>

#include "os/handover.hpp"
#include "os/inheritance.hpp"
#include "os/interlock.hpp"
#include "os/listener.hpp"
#include "os/pid_file.hpp"
#include "os/relay.hpp"

namespace prefork {

// What a pool has to itself: a name in the kernel, a pid file, its sockets, the relay. Taken before
// anything is touched that another pool may be using; refused, with one sentence, where another
// pool is at home. All of it passes over a reload without ever being let go of.
class Premises {
 public:
  struct Settings {
    std::string interlock{};  // what no two pools may share; empty: nothing
    std::string pid_file{};   // empty: none
    os::Endpoint endpoint;
    std::optional<os::Endpoint> status{};  // where the attendant listens
  };

  // Throws std::system_error, std::runtime_error, std::invalid_argument.
  Premises(const Settings& settings, os::Inheritance& inheritance);

  // Throws as the constructor would in a program that `held` is handed over to, and leaves no
  // trace.
  static void rehearse(const Settings& settings, const os::Handover& held);

  // For a pool that ends before it is at home: removes the files of what was handed over. REQUIRES:
  // there is no way back (os::Retreat).
  static void give_up(os::Inheritance& inheritance);

  int listening_fd() const { return listener_->fd(); }
  int status_fd() const { return status_ ? status_->fd() : -1; }  // -1: there is none

  // By which workers that retire give their connections to the others, old and new.
  const os::Relay& relay() const { return *relay_; }

  void stop_listening() { listener_->close(); }

  void hand_over(os::Handover& handover) const;

 private:
  std::optional<os::Interlock> interlock_;
  std::optional<os::PidFile> pid_file_;
  std::optional<os::Listener> listener_;  // always there
  std::optional<os::Listener> status_;
  std::optional<os::Relay> relay_;  // always there
};

}  // namespace prefork
