#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/descriptor.hpp"
#include "os/handover.hpp"
#include "os/inheritance.hpp"
#include "os/notifier.hpp"
#include "prefork/limits.hpp"
#include "prefork/master.hpp"
#include "prefork/premises.hpp"

namespace prefork {

// A pool as a service of its machine: premises of its own, a reload that loses nothing, and systemd
// told how it is.
//
//   os::Inheritance inheritance = os::Inheritance::claim();
//   prefork::Service service(settings, inheritance);
//   return service.run({.serve = …});
//
// REQUIRES: what Master does.
class Service {
 public:
  struct Settings {
    Premises::Settings premises;
    Limits limits{};
    std::vector<std::string> words;  // that the program was started with, its own name first
    std::optional<std::string> configuration{};      // for os::Retreat; none: there is no way back
    std::function<void(os::Handover&)> hand_over{};  // what else the next image is to have
    std::vector<std::string> front{};  // the command that serves in front of it; empty: none
    std::function<void(std::string_view line)> say_of_front{};  // see Front
    std::chrono::milliseconds systemd_interval{10000};  // between two lines of status; 0: none
  };

  // Takes the premises: throws as Premises does.
  Service(Settings settings, os::Inheritance& inheritance);

  const Premises& premises() const { return premises_; }

  // Serves until told to stop; the exit code. The hooks listening_fd, relay_fd, reload, hold_stop
  // and pass_on are the service's own; the others are called where it has done its part. `set_up`
  // is given the master before that begins, and is the last that can fail with a way back to the
  // image before (os::Retreat): what cannot be undone is to be done there.
  int run(Hooks hooks, const std::function<void(Master&)>& set_up = {});

 private:
  std::pair<os::Descriptor, os::Descriptor> take_stderr();
  pid_t take_front(std::vector<pid_t>& children) const;
  void tell_status(const Census& census, const Scoreboard& scoreboard);
  void tell_watchdog(const Scoreboard& scoreboard);

  Settings settings_;
  os::Inheritance& inheritance_;
  Premises premises_;
  os::Notifier notifier_;
  std::chrono::steady_clock::time_point next_status_{};
};

}  // namespace prefork
