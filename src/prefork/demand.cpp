#include "prefork/demand.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace prefork {
namespace {

bool is_readable(int fd) {
  pollfd socket{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&socket, 1, 0) == 1 && (socket.revents & POLLIN) != 0;
}

}  // namespace

Demand::Demand(Loop& loop, std::vector<int> sockets) : loop_(loop), sockets_(std::move(sockets)) {
  std::erase(sockets_, -1);
}

void Demand::watch(const std::function<void()>& call) {
  const auto hear = [this, call] {
    called_ = Time::clock::now();
    call();
  };
  for (const int fd : sockets_) loop_.watch(fd, hear, Loop::Calls::once);
}

void Demand::forget() {
  for (const int fd : sockets_) loop_.forget(fd);
}

bool Demand::is_there() const { return std::any_of(sockets_.begin(), sockets_.end(), is_readable); }

Demand::Time Demand::looked(Outlook outlook, Time now) {
  const Time next = outlook == Outlook::busy ? now + pause : Time::max();
  if (!called_) return next;
  const Time end = *called_ + (outlook == Outlook::full ? long_pause : pause);
  if (now < end) return std::min(next, end);
  called_.reset();
  for (const int fd : sockets_) loop_.rearm(fd);
  return next;
}

}  // namespace prefork
