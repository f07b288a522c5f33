#include "prefork/service.hpp"

#include <cstdint>
#include <optional>
#include <utility>

#include "prefork/front.hpp"
#include "prefork/pulse.hpp"
#include "prefork/upgrade.hpp"

namespace prefork {
namespace {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC

std::string greeting(const os::Inheritance& inheritance) {
  const auto& refusal = inheritance.refusal();
  return refusal ? "Reload refused: " + *refusal : "Ready to handle connections";
}

std::string status_of(const Census& census, const Scoreboard& scoreboard) {
  std::uint64_t requests = 0;
  for (int i = 0; i < scoreboard.size(); ++i) requests += scoreboard[i].accepted;
  return "Processes active: " + std::to_string(census.busy) +
         ", idle: " + std::to_string(census.idle) + ", Requests: " + std::to_string(requests) +
         ", slow: " + std::to_string(scoreboard.pool().slow_requests);
}

// Under a name of its own: a child like the workers, but not to be retired.
constexpr const char* front_number = "front";
constexpr const char* front_reading = "front's stderr, reading";
constexpr const char* front_writing = "front's stderr, writing";

void hand_over(const Front& front, os::Handover& handover) {
  if (front.pid() == 0) return;
  handover.give_child(front.pid());
  handover.give_number(front_number, static_cast<std::uint64_t>(front.pid()));
  const auto& [reading, writing] = front.stderr_ends();
  if (!reading) return;
  handover.give(front_reading, reading.get());
  handover.give(front_writing, writing.get());
}

// Its time to go leaves the workers some of the stop's.
std::chrono::milliseconds patience_with_front(const Limits& limits) {
  return limits.process_control_timeout * 9 / 10;
}

}  // namespace

Service::Service(Settings settings, os::Inheritance& inheritance)
    : settings_(std::move(settings)),
      inheritance_(inheritance),
      premises_(settings_.premises, inheritance) {}

int Service::run(Hooks hooks, const std::function<void(Master&)>& set_up) {
  std::optional<Master> master;
  std::optional<Upgrade> upgrade;
  std::optional<Front> front;
  const Hooks given = hooks;
  hooks.listening_fd = premises_.listening_fd();
  hooks.relay_fd = premises_.relay().receiving_fd();
  hooks.stop_listening = [&] {
    premises_.stop_listening();
    if (given.stop_listening) given.stop_listening();
  };
  hooks.ready = [&] {
    notifier_.ready(greeting(inheritance_));
    if (given.ready) given.ready();
    if (front) front->start();
  };
  hooks.hold_stop = [&] {
    notifier_.stopping();
    return front && front->stop();
  };
  hooks.pass_on = [&](int signal) {
    if (front) front->tell(signal);
  };
  hooks.reload = [&] { upgrade->request(); };
  hooks.tick = [&](const Census& census) {
    tell_status(census, master->scoreboard());
    tell_watchdog(master->scoreboard());
    if (given.tick) given.tick(census);
  };
  std::vector<pid_t> predecessors = inheritance_.children();
  const pid_t adopted = settings_.front.empty() ? 0 : take_front(predecessors);
  master.emplace(settings_.limits, std::move(hooks), predecessors);
  if (!settings_.front.empty()) {
    front.emplace(*master, Front::Settings{.words = settings_.front,
                                           .patience = patience_with_front(settings_.limits),
                                           .adopted = adopted,
                                           .say = settings_.say_of_front,
                                           .stderr_ends = take_stderr()});
  }
  upgrade.emplace(
      *master, Upgrade::Image{.words = settings_.words, .configuration = settings_.configuration},
      Upgrade::Hooks{
          .hand_over =
              [&](os::Handover& handover) {
                premises_.hand_over(handover);
                if (front) prefork::hand_over(*front, handover);
                if (settings_.hand_over) settings_.hand_over(handover);
              },
          .begun = [&] { notifier_.reloading(); },
          .refused = [&](const std::string& why) { notifier_.ready("Reload refused: " + why); },
      },
      inheritance_);
  if (set_up) set_up(*master);
  inheritance_.settle();
  return master->run();
}

// 0: there is none, or it has gone.
pid_t Service::take_front(std::vector<pid_t>& children) const {
  const auto front = static_cast<pid_t>(inheritance_.number(front_number));
  return std::erase(children, front) > 0 ? front : 0;
}

std::pair<os::Descriptor, os::Descriptor> Service::take_stderr() {
  auto reading = inheritance_.take(front_reading);
  auto writing = inheritance_.take(front_writing);
  if (!reading || !writing) return {};
  return {std::move(reading->fd), std::move(writing->fd)};
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
