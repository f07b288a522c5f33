#include "os/relay.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <utility>

#include "os/error.hpp"
#include "os/retry.hpp"

namespace os {
namespace {

// Bytes: some ten thousand descriptors. Without CAP_NET_ADMIN the kernel may give less, 550
// descriptors as it is shipped.
constexpr int room = 4 << 20;

// One message: one byte, because a message has to have one, and one descriptor beside it.
struct Parcel {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  char byte = 0;
  iovec part{.iov_base = &byte, .iov_len = 1};
  msghdr message{};

  Parcel() {
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
  Parcel(const Parcel&) = delete;
  Parcel& operator=(const Parcel&) = delete;
};

// A descriptor that comes where there is no room for it is lost, so that is looked at first.
void require_room(int fd) {
  if (!Descriptor(fcntl(fd, F_DUPFD_CLOEXEC, 0))) fail("receive a descriptor");
}

}  // namespace

Relay::Relay() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == -1) {
    fail("socketpair");
  }
  sending_ = Descriptor(ends[0]);
  receiving_ = Descriptor(ends[1]);
  if (setsockopt(sending_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) == -1) {
    setsockopt(sending_.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  }
}

Relay::Relay(Descriptor sending, Descriptor receiving)
    : sending_(std::move(sending)), receiving_(std::move(receiving)) {}

bool Relay::send(int fd) const {
  Parcel parcel;
  cmsghdr* const header = CMSG_FIRSTHDR(&parcel.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return retry([&] {
           return sendmsg(sending_.get(), &parcel.message, MSG_DONTWAIT | MSG_NOSIGNAL);
         }) == 1;
}

std::optional<Descriptor> Relay::receive() const {
  require_room(receiving_.get());
  Parcel parcel;
  const ssize_t got = retry(
      [&] { return recvmsg(receiving_.get(), &parcel.message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC); });
  const cmsghdr* const header = got == 1 ? CMSG_FIRSTHDR(&parcel.message) : nullptr;
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return std::nullopt;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return Descriptor(fd);
}

}  // namespace os
