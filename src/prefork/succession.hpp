#pragma once

#include <sys/types.h>

#include <deque>
#include <optional>
#include <vector>

namespace prefork {

// Who is to be replaced, and by whom: first the heir becomes ready, then the old one is told to
// retire, so a pool never has fewer workers for it. A turn lasts from the heir's start until the
// old one has gone; there are so many turns at once. Book-keeping only, for the master alone.
class Succession {
 public:
  explicit Succession(int turns) : turns_(turns) {}

  // That worker is to be replaced. Once is enough.
  void want(pid_t old);

  // Whose heir may be started now; none: nobody waits, or every turn is taken.
  std::optional<pid_t> next() const;
  void started(pid_t old, pid_t heir);

  // That worker is ready. Whom to retire for it, if it is somebody's heir.
  std::optional<pid_t> ready(pid_t heir);

  // That process has ended. Without its heir, an old one goes on and waits for the next turn.
  void left(pid_t pid);

  // Whether it is somebody's heir and not ready yet: no worker more, for the moment.
  bool awaits(pid_t heir) const;
  bool idle() const { return waiting_.empty() && pairs_.empty(); }

 private:
  struct Pair {
    pid_t old;
    pid_t heir;  // 0: is ready
  };
  std::vector<Pair>::iterator pair_of_heir(pid_t heir);

  int turns_;
  std::deque<pid_t> waiting_;
  std::vector<Pair> pairs_;
};

}  // namespace prefork
