#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "os/descriptor.hpp"

namespace os {

// The connections at a listening socket that nobody has accepted yet.
struct Backlog {
  std::uint32_t pending = 0;
  std::uint32_t capacity = 0;  // `backlog` of listen(2), as far as the kernel allowed it
};

// Asks the kernel for a socket's backlog, again and again, without any privilege: TCP_INFO, and for
// unix sockets sock_diag, which is asked for that one socket and not for all. While nobody waits,
// one poll(2) tells as much for a tenth of the price; a capacity that has been changed then shows
// with the next connection that waits. One per process: a copy from before a fork would mix up the
// answers. Once made, it needs no system call but poll, send, recv and getsockopt, and never waits.
class BacklogGauge {
 public:
  // REQUIRES: the socket outlives the gauge. Never throws: a gauge that cannot be made reads
  // absent.
  explicit BacklogGauge(int listen_fd) noexcept;

  // Absent when the kernel does not tell: not listening, or a kernel without sock_diag.
  std::optional<Backlog> read() noexcept;

 private:
  std::optional<Backlog> read_tcp() const noexcept;
  std::optional<Backlog> read_unix() noexcept;
  std::optional<Backlog> read_netlink() noexcept;
  bool ask() noexcept;

  int listen_fd_;
  int family_ = 0;
  ino_t inode_ = 0;
  std::uint32_t sequence_ = 0;
  std::optional<Backlog> known_;  // what netlink said last
  Descriptor netlink_;            // of a unix socket alone
};

// One look, with a gauge of its own.
std::optional<Backlog> backlog_of(int listen_fd) noexcept;

}  // namespace os
