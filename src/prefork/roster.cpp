#include "prefork/roster.hpp"

#include <algorithm>
#include <utility>

namespace prefork {

std::optional<int> Roster::vacancy(Time now) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [now](const Entry& entry) {
    return entry.pid == 0 && entry.ready <= now;
  });
  if (found == entries_.end()) return std::nullopt;
  return static_cast<int>(found - entries_.begin());
}

std::optional<Roster::Time> Roster::next_vacancy(Time now) const {
  std::optional<Time> next;
  for (const Entry& entry : entries_) {
    if (entry.pid == 0 && entry.ready > now) {
      next = std::min(next.value_or(entry.ready), entry.ready);
    }
  }
  return next;
}

int Roster::paused(Time now) const {
  return static_cast<int>(
      std::count_if(entries_.begin(), entries_.end(),
                    [now](const Entry& entry) { return entry.pid == 0 && entry.ready > now; }));
}

void Roster::joined(int slot, pid_t pid, Time now) {
  entry(slot).pid = pid;
  entry(slot).proven = false;
  entry(slot).since = now;
}

bool Roster::prove(int slot) { return !std::exchange(entry(slot).proven, true); }

int Roster::proven() const {
  return static_cast<int>(std::count_if(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return entry.pid != 0 && entry.proven;
  }));
}

std::optional<Roster::Departure> Roster::left(pid_t pid, Served served, Time now) {
  const auto slot = slot_of(pid);
  if (!slot) return std::nullopt;
  Entry& left = entry(*slot);
  const Duration life = now - left.since;
  const bool worked = served == Served::yes || life >= proof_of_life;
  left.failures = worked ? 0 : left.failures + 1;
  const Duration pause = pause_after(left.failures);
  left.pid = 0;
  left.ready = now + pause;
  return Departure{.slot = *slot, .life = life, .pause = pause};
}

Roster::Duration Roster::pause_after(int failures) {
  if (failures == 0) return Duration::zero();
  constexpr int most_doublings = 10;
  return std::min(first_pause * (1 << std::min(failures - 1, most_doublings)), longest_pause);
}

std::optional<int> Roster::slot_of(pid_t pid) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [pid](const Entry& entry) { return entry.pid == pid; });
  if (pid == 0 || found == entries_.end()) return std::nullopt;
  return static_cast<int>(found - entries_.begin());
}

std::optional<pid_t> Roster::worker_in(int slot) const {
  const pid_t pid = entries_[static_cast<std::size_t>(slot)].pid;
  return pid == 0 ? std::nullopt : std::optional(pid);
}

std::vector<pid_t> Roster::workers() const {
  std::vector<pid_t> pids;
  for (const Entry& entry : entries_) {
    if (entry.pid != 0) pids.push_back(entry.pid);
  }
  return pids;
}

}  // namespace prefork
