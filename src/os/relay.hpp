#pragma once

#include <optional>

#include "os/descriptor.hpp"

namespace os {

// A queue of open descriptors between processes: what one sends, one other receives, whoever asks
// first. A pair of connected sockets, made before the fork, so that every child has both ends. What
// was sent waits, open, for as long as any process holds the relay: a sender may end at once, and a
// receiver may start later. All calls are non-blocking.
class Relay {
 public:
  // Throws std::system_error.
  Relay();

  // Takes over a relay by its two descriptors, which a former program image left open.
  Relay(Descriptor sending, Descriptor receiving);

  int sending_fd() const { return sending_.get(); }

  // Readable while something waits: poll it beside other things. Another process may be faster.
  int receiving_fd() const { return receiving_.get(); }

  // False: no room (for one without privileges also when RLIMIT_NOFILE descriptors of its user are
  // on their way), and the descriptor is still the caller's alone. After true the caller closes its
  // own copy. Safe in a signal handler.
  bool send(const Descriptor& fd) const { return send(fd.get()); }
  bool send(int fd) const;

  // None when nothing waits; closed on exec otherwise. Throws std::system_error when this process
  // has no room for a descriptor; it then waits on for another process, or for later.
  std::optional<Descriptor> receive() const;

 private:
  Descriptor sending_;
  Descriptor receiving_;
};

}  // namespace os
