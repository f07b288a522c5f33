#include "fcgi/responder.hpp"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "os/error.hpp"
#include "os/retry.hpp"

namespace fcgi {
namespace {

using namespace std::chrono_literals;

constexpr auto tick = 1s;              // between two looks for connections idle for too long
constexpr auto pause = 100ms;          // when no more connections can be taken
constexpr auto farewell_wait = 500ms;  // a stop's patience with connections that have just come

void watch(int epoll, int fd, std::uint32_t events, void* tag) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1) os::fail("epoll_ctl");
}

bool has_hung_up(int fd) {
  pollfd connection{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&connection, 1, 0) == 1 && (connection.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace

Responder::Responder(int listen_fd, int stop_fd, TimeLimits limits)
    : acceptor_(listen_fd, limits),
      stop_fd_(stop_fd),
      limits_(limits),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) os::fail("epoll_create1");
  watch(epoll_.get(), stop_fd_, EPOLLIN, &stop_fd_);
  listen(true);
}

void Responder::run(const Handler& handler) {
  handler_ = &handler;
  while (!stopping_) {
    wait_and_serve(listening_ ? tick : pause);
    close_idle();
    resume_listening();
  }
  finish();
}

Responder::Heard Responder::wait_and_serve(std::chrono::milliseconds timeout) {
  std::array<epoll_event, 64> events{};
  const int count = os::retry([&] {
    return epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                      static_cast<int>(timeout.count()));
  });
  if (count == -1) os::fail("epoll_wait");
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == &stop_fd_) {
      stopping_ = true;
    } else if (event.data.ptr == &acceptor_) {
      welcome();
    } else {
      auto& connection = *static_cast<Connection*>(event.data.ptr);
      const bool old_news = i > 0;  // others were served since the event was told
      const bool gone = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
      serve(connection, gone || (old_news && has_hung_up(connection.exchange.fd())));
    }
  }
  return count > 0 ? Heard::something : Heard::nothing;
}

// One at a time, so that the workers share what comes.
void Responder::welcome() try {
  if (auto fd = acceptor_.accept()) add(std::move(*fd));
} catch (const std::system_error&) {
  // A connection that has been silent for a while makes room; it is nobody's request.
  if (!connections_.empty() && connections_.front().last_heard + tick < Clock::now()) {
    connections_.pop_front();
    return;
  }
  listen(false);
  paused_until_ = Clock::now() + pause;
}

void Responder::add(os::Descriptor fd) {
  Connection& connection = connections_.emplace_back(std::move(fd));
  connection.self = std::prev(connections_.end());
  connection.last_heard = Clock::now();
  try {
    watch(epoll_.get(), connection.exchange.fd(), EPOLLIN, &connection);
  } catch (const std::system_error&) {
    connections_.pop_back();
    throw;
  }
}

// Whoever has hung up waits for no answer: the request is dropped, and nothing counted.
void Responder::serve(Connection& connection, bool gone) {
  const Keep keep = stopping_ ? Keep::no : Keep::yes;
  if (gone || !connection.exchange.serve(*handler_, keep)) {
    connections_.erase(connection.self);
    return;
  }
  connection.fresh = false;
  connection.last_heard = Clock::now();
  connections_.splice(connections_.end(), connections_, connection.self);
}

void Responder::close_idle() {
  const auto latest = Clock::now() - limits_.idle;
  while (!connections_.empty() && connections_.front().last_heard < latest) {
    connections_.pop_front();
  }
}

void Responder::listen(bool on) {
  if (on == listening_) return;
  listening_ = on;
  if (on) {
    watch(epoll_.get(), acceptor_.fd(), EPOLLIN | EPOLLEXCLUSIVE, &acceptor_);
  } else {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, acceptor_.fd(), nullptr);
  }
}

void Responder::resume_listening() {
  if (!listening_ && Clock::now() >= paused_until_) listen(true);
}

bool Responder::expects_requests() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const Connection& connection) { return connection.fresh; });
}

// Every connection ends with its next answer now. A web server that has just connected sends its
// request in the same breath, so those few get a moment.
void Responder::finish() {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stop_fd_, nullptr);
  listen(true);  // also out of a pause: what waits in the backlog has no other chance
  const auto last_call = Clock::now() + limits_.last_call;
  const auto deadline = Clock::now() + farewell_wait;
  Heard heard = Heard::something;
  while (heard == Heard::something || (expects_requests() && Clock::now() < deadline)) {
    if (Clock::now() >= last_call) listen(false);
    heard = wait_and_serve(expects_requests() ? 20ms : 0ms);
  }
  connections_.clear();
}

}  // namespace fcgi
