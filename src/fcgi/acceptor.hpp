#pragma once

#include <chrono>
#include <optional>

#include "os/descriptor.hpp"

namespace fcgi {

// How long a connection may keep a worker waiting.
struct TimeLimits {
  std::chrono::milliseconds read{3000};   // for more bytes of a request that has begun
  std::chrono::milliseconds write{3000};  // for the peer to take more bytes of an answer
  // Longest life of a connection that sends nothing, which costs a descriptor and no waiting.
  // Longer than nginx's 60 s for connections it keeps, so that nginx is the one to close them.
  std::chrono::milliseconds idle{75000};
  // How long a stop takes new connections. On TCP they come for as long as any worker listens, and
  // a stop that answered them all would be ended by force.
  std::chrono::milliseconds last_call{5000};
};

// Accepts connections from a listening socket that other processes accept from, too.
class Acceptor {
 public:
  // REQUIRES: the socket is non-blocking and outlives the acceptor.
  Acceptor(int listen_fd, TimeLimits limits) : listen_fd_(listen_fd), limits_(limits) {}

  int fd() const { return listen_fd_; }

  // A blocking connection with its time limits set; none if another process was faster, or the
  // client has left. Throws std::system_error when this process cannot take more: EMFILE, ENFILE,
  // ENOBUFS or ENOMEM. The connection then stays in the backlog: try again a little later.
  std::optional<os::Descriptor> accept() const;

 private:
  int listen_fd_;
  TimeLimits limits_;
};

}  // namespace fcgi
