#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "os/backlog.hpp"
#include "prefork/limits.hpp"
#include "prefork/scoreboard.hpp"
#include "visits/statistics.hpp"

namespace visits::view {

// The time by both clocks.
struct Moment {
  std::chrono::nanoseconds monotonic{0};
  std::chrono::nanoseconds realtime{0};  // since 1970

  static Moment now();
};

// One worker, all of it at one moment. Texts are printable, and "-" where there is none.
struct Process {
  enum class State { starting, idle, busy };
  pid_t pid = 0;
  State state = State::idle;
  std::chrono::seconds started_at{0};  // since 1970
  std::uint64_t requests = 0;
  std::chrono::microseconds duration{0};  // of its request: so far, or of the latest one
  std::string method = "-";
  std::string uri = "-";  // with the query
  std::uint64_t content_length = 0;
  std::string user = "-";
  std::string script = "-";
  double cpu = 0;  // per cent of a processor that the latest request took; 0: busy, or under 10 ms
};

// All that the pages show: plain values, copied from what others go on writing.
struct Snapshot {
  std::string pool;
  prefork::Sizing sizing = prefork::Sizing::fixed;
  int max_children = 0;
  std::chrono::seconds started_at{0};  // since 1970
  std::chrono::seconds now{0};
  std::vector<Process> processes;
  std::optional<os::Backlog> queue;  // absent: the kernel does not tell
  std::uint64_t accepted = 0;
  int max_queue = 0;
  int max_active = 0;
  std::uint64_t max_children_reached = 0;
  std::uint64_t slow = 0;
  std::uint64_t terminated = 0;
  std::uint64_t spawned = 0;
  std::uint64_t recycled = 0;
  std::uint64_t crashed = 0;
  std::uint64_t failed = 0;
  std::uint64_t reloads = 0;
  std::uint64_t reloads_refused = 0;
  Statistics::Totals totals;

  int count(Process::State state) const;
  std::chrono::seconds uptime() const { return now - started_at; }
};

// How much a page tells: of the pool alone, or of each worker, too.
enum class Detail { pool, full };

// Takes no lock, and waits for nobody: a worker that changes its slot all the time, look after
// look, is shown without its request. For a page of the pool alone no worker's request is read.
Snapshot snapshot_of(const prefork::Scoreboard& scoreboard, const Statistics& statistics,
                     const prefork::Limits& limits, std::optional<os::Backlog> queue, Moment now,
                     Detail detail);

}  // namespace visits::view
