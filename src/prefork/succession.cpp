#include "prefork/succession.hpp"

#include <algorithm>

namespace prefork {

void Succession::want(pid_t old) {
  const auto is_old = [old](const Pair& pair) { return pair.old == old; };
  if (std::find(waiting_.begin(), waiting_.end(), old) != waiting_.end()) return;
  if (std::any_of(pairs_.begin(), pairs_.end(), is_old)) return;
  waiting_.push_back(old);
}

std::optional<pid_t> Succession::next() const {
  if (waiting_.empty() || static_cast<int>(pairs_.size()) >= turns_) return std::nullopt;
  return waiting_.front();
}

void Succession::started(pid_t old, pid_t heir) {
  std::erase(waiting_, old);
  pairs_.push_back({.old = old, .heir = heir});
}

std::optional<pid_t> Succession::ready(pid_t heir) {
  const auto pair = pair_of_heir(heir);
  if (pair == pairs_.end()) return std::nullopt;
  pair->heir = 0;
  return pair->old;
}

void Succession::left(pid_t pid) {
  std::erase(waiting_, pid);
  std::erase_if(pairs_, [pid](const Pair& pair) { return pair.old == pid; });
  const auto orphaned = pair_of_heir(pid);
  if (orphaned == pairs_.end()) return;
  waiting_.push_front(orphaned->old);
  pairs_.erase(orphaned);
}

bool Succession::awaits(pid_t heir) const {
  return std::any_of(pairs_.begin(), pairs_.end(),
                     [heir](const Pair& pair) { return pair.heir == heir; });
}

std::vector<Succession::Pair>::iterator Succession::pair_of_heir(pid_t heir) {
  return std::find_if(pairs_.begin(), pairs_.end(),
                      [heir](const Pair& pair) { return pair.heir == heir; });
}

}  // namespace prefork
