#include "os/daemon.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/error.hpp"
#include "os/retry.hpp"

namespace os {
namespace {

void to_dev_null(int fd) {
  const Descriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null) dup2(null.get(), fd);
}

// One byte is the daemon's word; its end of the pair is closed when it ends.
bool has_word(const Descriptor& daemon) {
  char byte = 0;
  return retry([&] { return recv(daemon.get(), &byte, 1, MSG_DONTWAIT); }) == 1;
}

// Between the last look and giving up the daemon may speak: after shutdown(2) it cannot.
bool hears(const Descriptor& daemon, std::chrono::milliseconds patience) {
  pollfd event{.fd = daemon.get(), .events = POLLIN, .revents = 0};
  if (retry([&] { return poll(&event, 1, static_cast<int>(patience.count())); }) == 0) {
    shutdown(daemon.get(), SHUT_RD);
  }
  return has_word(daemon);
}

}  // namespace

std::optional<int> Daemon::start(std::chrono::milliseconds patience) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1) fail("socketpair");
  Descriptor daemon(ends[0]);
  caller_ = Descriptor(ends[1]);

  const pid_t first = fork();
  if (first == -1) fail("fork");
  if (first != 0) {
    caller_.close();
    retry([&] { return waitpid(first, nullptr, 0); });
    return hears(daemon, patience) ? 0 : exit_failed;
  }
  daemon.close();
  setsid();
  if (const pid_t second = fork(); second != 0) _exit(second == -1 ? exit_failed : 0);
  to_dev_null(STDIN_FILENO);
  return std::nullopt;
}

bool Daemon::ready() {
  if (!caller_) return true;
  const bool said = retry([&] { return send(caller_.get(), "", 1, MSG_NOSIGNAL); }) == 1;
  caller_.close();
  to_dev_null(STDOUT_FILENO);
  return said;
}

}  // namespace os
