#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "os/descriptor.hpp"
#include "os/handover.hpp"
#include "os/inheritance.hpp"

namespace os {

// Where and how to listen. `address` is php-fpm's `listen`: a path that begins with `/` (a unix
// socket), `IPv4:port`, `[IPv6]:port`, or a port alone (every local address).
struct Endpoint {
  std::string address;
  int backlog = -1;                    // -1: as long as the kernel allows (net.core.somaxconn)
  mode_t mode = 0660;                  // of a unix socket
  std::optional<std::string> owner{};  // of a unix socket: name or number; absent: this process's
  std::optional<std::string> group{};
  std::vector<std::string> allowed_clients{};  // of TCP: numeric addresses; none: everybody
};

// A listening socket, non-blocking and closed on exec. A unix socket's path is taken only when
// nobody listens there: a stale socket is replaced, a live one or another kind of file is refused
// with std::system_error (EADDRINUSE). Two processes that start at once cannot both succeed.
class Listener {
 public:
  explicit Listener(Endpoint endpoint);

  // The same, but a socket that listens at this address already, and is inherited, goes on
  // listening: one that was handed over under `name`, or that systemd made. It gets this endpoint's
  // owner, mode and backlog; systemd's keeps its own, and its path is left when it closes. One that
  // was handed over and listens elsewhere is closed. An image that runs again listens on as it did,
  // even if the path is gone.
  Listener(Endpoint endpoint, Inheritance& inheritance, const std::string& name);

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // As close(), but only in the process that made it: a forked child lets go of nothing.
  ~Listener();

  int fd() const { return socket_.get(); }

  // Lets the next image of this program go on listening.
  void hand_over(Handover& handover, const std::string& name) const;

  // Whether a socket that listens at that address goes along in that handover, under that name.
  static bool is_in(const Handover& handover, const std::string& name, const std::string& address);

  // For a pool that ends before it has a listener: removes the path of the one that was handed
  // over.
  static void give_up(Inheritance& inheritance, const std::string& name);

  // Stops listening, and removes the path if it still is this socket's.
  void close();

 private:
  struct Unbound {};
  Listener(Unbound, Endpoint endpoint);

  void listen();
  bool succeed(Inheritance& inheritance, const std::string& name);
  bool take_from_systemd(Inheritance& inheritance);
  void adopt(Descriptor socket, ino_t inode, Inheritance& inheritance);
  void appropriate();
  void listen_unix();
  void listen_tcp();
  void set_permissions() const;

  Endpoint endpoint_;
  Descriptor socket_;
  pid_t maker_;  // 0: the image before, as long as there is a way back to it
  ino_t inode_ = 0;
};

}  // namespace os
