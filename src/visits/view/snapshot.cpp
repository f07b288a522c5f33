#include "visits/view/snapshot.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <span>
#include <string_view>

#include "visits/activity.hpp"
#include "visits/view/escape.hpp"

namespace visits::view {
namespace {

using namespace std::chrono_literals;
using prefork::Slot;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr int most_looks = 100;  // at a slot that changes meanwhile

struct NoteBytes {
  std::array<std::byte, prefork::Note::capacity> room{};
  std::size_t size = 0;
};

// The numbers of a slot.
struct Numbers {
  Slot::Stage stage{};
  pid_t pid = 0;
  nanoseconds started_at{0};
  std::uint64_t requests = 0;
  nanoseconds busy_since{0};
  nanoseconds idle_since{0};
  nanoseconds cpu{0};
};

Numbers numbers_of(const Slot& slot) {
  return {.stage = slot.stage,
          .pid = slot.pid,
          .started_at = nanoseconds(slot.started_at),
          .requests = slot.requests,
          .busy_since = nanoseconds(slot.busy_since),
          .idle_since = nanoseconds(slot.idle_since),
          .cpu = nanoseconds(slot.cpu)};
}

// Without its note when it has changed at every look: no request is shown with another's numbers.
Numbers read(const Slot& slot, NoteBytes& note, Detail detail) {
  Numbers numbers;
  for (int look = 0; look < most_looks; ++look) {
    const std::uint32_t version = slot.version.load(std::memory_order_acquire);
    numbers = numbers_of(slot);
    note.size = detail == Detail::full ? slot.note.read(note.room) : 0;
    std::atomic_thread_fence(std::memory_order_acquire);
    if (version % 2 == 0 && slot.version.load(std::memory_order_relaxed) == version) return numbers;
  }
  note.size = 0;
  return numbers;
}

std::string text_of(std::string_view text) { return text.empty() ? "-" : printable(text); }

void describe(Process& process, const NoteBytes& note) {
  const auto activity = decode(std::span(note.room).first(note.size));
  if (!activity) return;
  process.method = text_of(activity->method);
  process.uri = text_of(activity->uri);
  if (!activity->query.empty()) process.uri += "?" + printable(activity->query);
  process.content_length = activity->content_length;
  process.user = text_of(activity->user);
  process.script = text_of(activity->script);
}

Process::State state_of(Slot::Stage stage) {
  switch (stage) {
    case Slot::Stage::busy: return Process::State::busy;
    case Slot::Stage::idle: return Process::State::idle;
    default: return Process::State::starting;
  }
}

Process process_of(const Numbers& numbers, nanoseconds now) {
  Process process{.pid = numbers.pid,
                  .state = state_of(numbers.stage),
                  .started_at = duration_cast<seconds>(numbers.started_at),
                  .requests = numbers.requests};
  if (numbers.busy_since == 0ns) return process;
  const bool busy = process.state == Process::State::busy;
  const nanoseconds took = std::max((busy ? now : numbers.idle_since) - numbers.busy_since, 0ns);
  process.duration = duration_cast<std::chrono::microseconds>(took);
  if (!busy && took > 0ns) {
    process.cpu =
        100.0 * static_cast<double>(numbers.cpu.count()) / static_cast<double>(took.count());
  }
  return process;
}

std::vector<Process> processes_of(const prefork::Scoreboard& scoreboard, nanoseconds now,
                                  Detail detail) {
  std::vector<Process> processes;
  processes.reserve(static_cast<std::size_t>(scoreboard.size()));
  NoteBytes note;
  for (int slot = 0; slot < scoreboard.size(); ++slot) {
    const Numbers numbers = read(scoreboard[slot], note, detail);
    if (numbers.stage == Slot::Stage::vacant) continue;
    describe(processes.emplace_back(process_of(numbers, now)), note);
  }
  return processes;
}

std::uint64_t accepted_by(const prefork::Scoreboard& scoreboard) {
  std::uint64_t accepted = 0;
  for (int slot = 0; slot < scoreboard.size(); ++slot) accepted += scoreboard[slot].accepted;
  return accepted;
}

nanoseconds time_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

}  // namespace

Moment Moment::now() { return {time_of(CLOCK_MONOTONIC), time_of(CLOCK_REALTIME)}; }

int Snapshot::count(Process::State state) const {
  return static_cast<int>(
      std::count_if(processes.begin(), processes.end(),
                    [&](const Process& process) { return process.state == state; }));
}

Snapshot snapshot_of(const prefork::Scoreboard& scoreboard, const Statistics& statistics,
                     const prefork::Limits& limits, std::optional<os::Backlog> queue, Moment now,
                     Detail detail) {
  const prefork::PoolRecord& pool = scoreboard.pool();
  Snapshot snapshot{.pool = printable(limits.name),
                    .sizing = limits.sizing,
                    .max_children = limits.max_children,
                    .started_at = duration_cast<seconds>(nanoseconds(pool.started_at)),
                    .now = duration_cast<seconds>(now.realtime),
                    .processes = processes_of(scoreboard, now.monotonic, detail),
                    .queue = queue,
                    .accepted = accepted_by(scoreboard),
                    .max_queue = pool.max_queue,
                    .max_active = pool.max_active,
                    .max_children_reached = pool.max_children_reached,
                    .slow = pool.slow_requests,
                    .terminated = pool.terminated_requests,
                    .spawned = pool.spawned,
                    .recycled = pool.recycled,
                    .crashed = pool.crashed,
                    .failed = pool.failed,
                    .reloads = pool.reloads,
                    .reloads_refused = pool.reloads_refused,
                    .totals = statistics.totals()};
  // The master looks now and then, and may not have seen yet what is there now.
  snapshot.max_active = std::max(snapshot.max_active, snapshot.count(Process::State::busy));
  if (queue) snapshot.max_queue = std::max(snapshot.max_queue, static_cast<int>(queue->pending));
  return snapshot;
}

}  // namespace visits::view
