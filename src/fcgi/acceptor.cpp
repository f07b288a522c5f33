#include "fcgi/acceptor.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "os/error.hpp"
#include "os/retry.hpp"

namespace fcgi {
namespace {

timeval timeval_of(std::chrono::microseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_usec = (time - seconds).count()};
}

bool cannot_take_more(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

std::optional<os::Descriptor> Acceptor::accept() const {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  os::Descriptor connection(os::retry([&] {
    return accept4(listen_fd_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC);
  }));
  if (!connection && cannot_take_more(errno)) os::fail("accept");
  if (!connection || !allowed_clients_.admit(peer)) return std::nullopt;

  // On AF_UNIX it is not inherited from the listening socket.
  const timeval write = timeval_of(limits_.write);
  setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &write, sizeof write);
  if (peer.ss_family != AF_UNIX) {
    const int on = 1;
    setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return connection;
}

}  // namespace fcgi
