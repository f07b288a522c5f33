#include "prefork/service.hpp"

#include <cstdint>
#include <optional>
#include <utility>

#include "prefork/pulse.hpp"
#include "prefork/upgrade.hpp"

namespace prefork {
namespace {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC

constexpr const char* greeting = "Ready to handle connections";

std::string status_of(const Census& census, const Scoreboard& scoreboard) {
  std::uint64_t requests = 0;
  for (int i = 0; i < scoreboard.size(); ++i) requests += scoreboard[i].accepted;
  return "Processes active: " + std::to_string(census.busy) +
         ", idle: " + std::to_string(census.idle) + ", Requests: " + std::to_string(requests) +
         ", slow: " + std::to_string(scoreboard.pool().slow_requests);
}

}  // namespace

Service::Service(Settings settings, os::Inheritance& inheritance)
    : settings_(std::move(settings)),
      inheritance_(inheritance),
      premises_(settings_.premises, inheritance) {}

int Service::run(Hooks hooks, const std::function<void(Master&)>& set_up) {
  std::optional<Master> master;
  std::optional<Upgrade> upgrade;
  const Hooks given = hooks;
  hooks.listening_fd = premises_.listening_fd();
  hooks.stop_listening = [&] {
    notifier_.stopping();
    premises_.stop_listening();
    if (given.stop_listening) given.stop_listening();
  };
  hooks.ready = [&] {
    notifier_.ready(greeting);
    if (given.ready) given.ready();
  };
  hooks.reload = [&] { upgrade->request(); };
  hooks.tick = [&](const Census& census) {
    tell_status(census, master->scoreboard());
    tell_watchdog(master->scoreboard());
    if (given.tick) given.tick(census);
  };
  master.emplace(settings_.limits, std::move(hooks), inheritance_.children());
  upgrade.emplace(
      *master, settings_.words,
      Upgrade::Hooks{
          .hand_over = [&](os::Handover& handover) { premises_.hand_over(handover); },
          .begun = [&] { notifier_.reloading(); },
          .refused = [&](const std::string& why) { notifier_.ready("Reload refused: " + why); },
      },
      inheritance_);
  inheritance_.renounce();
  if (set_up) set_up(*master);
  return master->run();
}

void Service::tell_status(const Census& census, const Scoreboard& scoreboard) {
  const auto now = Clock::now();
  if (settings_.systemd_interval.count() == 0 || now < next_status_) return;
  next_status_ = now + settings_.systemd_interval;
  notifier_.status(status_of(census, scoreboard));
}

void Service::tell_watchdog(const Scoreboard& scoreboard) {
  const auto limit = notifier_.watchdog();
  if (limit && has_pulse(scoreboard, *limit, Clock::now().time_since_epoch())) notifier_.alive();
}

}  // namespace prefork
