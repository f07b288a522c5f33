#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sysv/key.hpp"
#include "sysv/segment.hpp"
#include "sysv/semaphore.hpp"
#include "sysv/variables.hpp"

namespace visits {

// The number of visits: variable 0 of PHP's segment at a key, under PHP's semaphore at the same
// key, as the tutorial's page has it. One per process, opened after fork. Not for several threads.
//
// Everything that can fail throws std::exception with a reason and has counted nothing: the lock
// is busy for too long, no permission, no room, bytes that are not PHP's. The next call starts
// afresh, so that the counter heals as soon as its segment does.
class Counter {
 public:
  struct Settings {
    sysv::Key key{};
    sysv::Access access = sysv::owner_only;    // of segment and set, when made here
    std::size_t size = 65536;                  // bytes of a segment made here
    std::chrono::milliseconds patience{5000};  // longest wait for the lock
  };

  // Told in one sentence when something worth a line in the log was done, such as making a segment
  // anew after somebody removed it.
  using Notice = std::function<void(const std::string&)>;

  Counter(Settings settings, Notice notice);

  // Adds one visit; returns the number with it.
  std::int64_t add_visit();

  // The number now; 0 before the first visit. Makes what is missing, as add_visit() does.
  std::int64_t count();

 private:
  using Work = std::function<std::int64_t(sysv::Variables)>;  // returns the count it leaves

  std::int64_t locked(const Work& work);
  void lock();
  void open_semaphore();
  bool try_lock();
  sysv::Variables table();
  void attach();
  std::int64_t count_in(const sysv::Variables& variables) const;
  std::string where() const;

  Settings settings_;
  Notice notice_;
  std::unique_ptr<sysv::Semaphore> semaphore_;
  std::optional<sysv::Segment> segment_;
  std::int64_t attached_at_ = 0;
  std::int64_t last_seen_ = 0;
};

// Whether this process may use what is at the key now: throws what the Counter would, EACCES above
// all, which names the owner. For a start-up that would rather not begin, as the user that counts:
// it makes a missing set. What the segment holds is not looked at.
void require_access(const Counter::Settings& settings);

}  // namespace visits
