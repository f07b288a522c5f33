#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <set>
#include <vector>

namespace prefork {

// Workers of the image before this one, children of this very process: they serve until the pool is
// ready, are asked to retire then, and ended by force after a while. For the master alone.
class Predecessors {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Predecessors(const std::vector<pid_t>& pids) : pids_(pids.begin(), pids.end()) {}

  // First thing: those that have ended meanwhile, or are no children of this process, are none.
  void meet();

  bool empty() const { return pids_.empty(); }
  std::vector<pid_t> all() const { return {pids_.begin(), pids_.end()}; }

  // That process has ended. Whether it was one of them.
  bool left(pid_t pid) { return pids_.erase(pid) > 0; }

  void tell(int signal) const;

  void dismiss(Time deadline);
  std::optional<Time> deadline() const { return deadline_; }

  // Ends by force those whom the deadline finds here.
  void enforce(Time now);

 private:
  std::set<pid_t> pids_;
  std::optional<Time> deadline_{};
};

}  // namespace prefork
