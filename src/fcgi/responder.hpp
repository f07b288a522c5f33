#pragma once

#include <chrono>
#include <list>

#include "fcgi/acceptor.hpp"
#include "fcgi/exchange.hpp"
#include "fcgi/handler.hpp"
#include "os/descriptor.hpp"

namespace fcgi {

// A FastCGI responder for one worker: watches the listening socket and all connections that web
// servers keep open, together, and serves whichever has something to say. So a web server may keep
// more connections open than there are workers, and no request waits behind an idle one.
// One request at a time, one thread.
class Responder {
 public:
  // `listen_fd` is shared with other workers. When `stop_fd` turns readable, run() finishes.
  Responder(int listen_fd, int stop_fd, TimeLimits limits = {});

  // Serves until told to stop; then answers what has arrived by that time, connections in the
  // backlog too (for as long as the last call lasts), closes the rest and returns.
  void run(const Handler& handler);

 private:
  using Clock = std::chrono::steady_clock;

  struct Connection {
    explicit Connection(os::Descriptor fd) : exchange(std::move(fd)) {}
    Exchange exchange;
    Clock::time_point last_heard{};
    bool fresh = true;  // has not sent a request yet
    std::list<Connection>::iterator self;
  };

  enum class Heard { nothing, something };

  Heard wait_and_serve(std::chrono::milliseconds timeout);
  void welcome();
  void add(os::Descriptor fd);
  void serve(Connection& connection, bool gone);
  void finish();
  void close_idle();
  void listen(bool on);
  void resume_listening();
  bool expects_requests() const;

  Acceptor acceptor_;
  int stop_fd_;
  TimeLimits limits_;
  const Handler* handler_ = nullptr;
  os::Descriptor epoll_;
  std::list<Connection> connections_;  // the one heard of longest ago comes first
  Clock::time_point paused_until_{};   // while no more connections can be taken
  bool listening_ = false;
  bool stopping_ = false;
};

}  // namespace fcgi
