#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "fcgi/allowed_clients.hpp"
#include "os/descriptor.hpp"

namespace fcgi {

// How long things may take.
struct TimeLimits {
  // For a whole request to arrive, from its first byte to the last of its body. Nobody waits for it
  // meanwhile: only its connection ends.
  std::chrono::milliseconds read{3000};
  std::chrono::milliseconds write{3000};  // for the peer to take more bytes of an answer
  // Longest life of a connection that sends nothing, which costs a descriptor and no waiting.
  // Longer than nginx's 60 s for connections it keeps, so that nginx is the one to close them.
  std::chrono::milliseconds idle{75000};
  // How long a stop takes new connections. On TCP they come for as long as any worker listens, and
  // a stop that answered them all would be ended by force.
  std::chrono::milliseconds last_call{5000};
  // For making an answer, from when its request is whole; then the client gets a 504, and the
  // worker ends (AnswerLimit). 0: none.
  std::chrono::milliseconds answer{0};
  // Age of a request (REQUEST_START) whose client is not believed to wait any more: it gets a 503,
  // and no handler sees it. 0: none.
  std::chrono::milliseconds queue_age{0};
};

// Accepts connections from a listening socket that other processes accept from, too.
class Acceptor {
 public:
  // REQUIRES: the socket is non-blocking and outlives the acceptor.
  Acceptor(int listen_fd, TimeLimits limits, AllowedClients allowed_clients = {})
      : listen_fd_(listen_fd), limits_(limits), allowed_clients_(std::move(allowed_clients)) {}

  int fd() const { return listen_fd_; }

  // A blocking connection with its time limits set; none if another process was faster, the client
  // has left, or is not allowed. Throws std::system_error when this process cannot take more:
  // EMFILE, ENFILE, ENOBUFS or ENOMEM. The connection then stays in the backlog: try again a little
  // later.
  std::optional<os::Descriptor> accept() const;

 private:
  int listen_fd_;
  TimeLimits limits_;
  AllowedClients allowed_clients_;
};

}  // namespace fcgi
