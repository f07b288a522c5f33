#include "support/connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

namespace support {
namespace {

os::Descriptor connected(const sockaddr* address, socklen_t size) {
  os::Descriptor client(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(client.get(), address, size) == -1) return {};
  return client;
}

bool readable_within(int fd, int milliseconds) {
  pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&readable, 1, milliseconds) > 0;
}

}  // namespace

os::Descriptor connection_to(int listening_fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (getsockname(listening_fd, generic, &size) == -1) return {};
  return connected(generic, size);
}

os::Descriptor connection_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return connected(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

bool turns_readable(int fd) { return readable_within(fd, 10000); }

bool is_readable(int fd) { return readable_within(fd, 0); }

}  // namespace support
