#include "os/backlog.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "os/retry.hpp"

namespace os {
namespace {

constexpr std::uint32_t any_cookie = ~0U;

struct Question {
  nlmsghdr header;
  unix_diag_req request;
};

template <class T>
std::optional<T> value_at(const char* bytes, std::size_t size) {
  if (size < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// The attribute with the queue's length, somewhere behind the message's fixed part.
std::optional<unix_diag_rqlen> queue_in(const char* bytes, std::size_t size) {
  while (const auto attribute = value_at<rtattr>(bytes, size)) {
    if (attribute->rta_len < sizeof(rtattr) || attribute->rta_len > size) return std::nullopt;
    if (attribute->rta_type == UNIX_DIAG_RQLEN) {
      return value_at<unix_diag_rqlen>(bytes + sizeof(rtattr), attribute->rta_len - sizeof(rtattr));
    }
    const std::size_t step = std::min<std::size_t>(RTA_ALIGN(attribute->rta_len), size);
    bytes += step;
    size -= step;
  }
  return std::nullopt;
}

// Absent in an error message, and for a socket that does not listen. Unix sockets have TCP's
// states.
std::optional<Backlog> backlog_in(const char* message, std::size_t size) {
  constexpr std::size_t fixed = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(unix_diag_msg)));
  const auto header = value_at<nlmsghdr>(message, size);
  if (!header || header->nlmsg_type != SOCK_DIAG_BY_FAMILY || size < fixed) return std::nullopt;
  const auto found = value_at<unix_diag_msg>(message + NLMSG_HDRLEN, size - NLMSG_HDRLEN);
  if (!found || found->udiag_state != TCP_LISTEN) return std::nullopt;
  const auto queue = queue_in(message + fixed, size - fixed);
  if (!queue) return std::nullopt;
  return Backlog{.pending = queue->udiag_rqueue, .capacity = queue->udiag_wqueue};
}

// Whoever listens no longer is told of, too.
bool is_empty(int listen_fd) {
  pollfd door{.fd = listen_fd, .events = POLLIN, .revents = 0};
  return retry([&] { return poll(&door, 1, 0); }) == 0;
}

}  // namespace

BacklogGauge::BacklogGauge(int listen_fd) noexcept : listen_fd_(listen_fd) {
  socklen_t size = sizeof family_;
  struct stat status {};
  if (getsockopt(listen_fd, SOL_SOCKET, SO_DOMAIN, &family_, &size) == -1) return;
  if (family_ != AF_UNIX || fstat(listen_fd, &status) == -1) return;
  inode_ = status.st_ino;
  netlink_ = Descriptor(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
}

std::optional<Backlog> BacklogGauge::read() noexcept {
  return family_ == AF_UNIX ? read_unix() : read_tcp();
}

// On a listening socket these two fields mean its queue.
std::optional<Backlog> BacklogGauge::read_tcp() const noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(listen_fd_, IPPROTO_TCP, TCP_INFO, &info, &size) == -1) return std::nullopt;
  if (info.tcpi_state != TCP_LISTEN) return std::nullopt;
  return Backlog{.pending = info.tcpi_unacked, .capacity = info.tcpi_sacked};
}

std::optional<Backlog> BacklogGauge::read_unix() noexcept {
  if (known_ && is_empty(listen_fd_)) return Backlog{.pending = 0, .capacity = known_->capacity};
  known_ = read_netlink();
  return known_;
}

// The kernel has answered by the time that it has taken the question, so nothing is waited for. An
// answer to an earlier question is thrown away.
std::optional<Backlog> BacklogGauge::read_netlink() noexcept {
  if (!netlink_ || !ask()) return std::nullopt;
  std::array<char, 1024> answer{};
  while (true) {
    const ssize_t got =
        retry([&] { return recv(netlink_.get(), answer.data(), answer.size(), MSG_DONTWAIT); });
    if (got <= 0) return std::nullopt;
    const auto size = static_cast<std::size_t>(got);
    const auto header = value_at<nlmsghdr>(answer.data(), size);
    if (!header || header->nlmsg_seq != sequence_) continue;
    return backlog_in(answer.data(), size);
  }
}

bool BacklogGauge::ask() noexcept {
  Question question{};
  question.header = {.nlmsg_len = sizeof question,
                     .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                     .nlmsg_flags = NLM_F_REQUEST,
                     .nlmsg_seq = ++sequence_,
                     .nlmsg_pid = 0};
  question.request.sdiag_family = AF_UNIX;
  question.request.udiag_ino = static_cast<std::uint32_t>(inode_);
  question.request.udiag_show = UDIAG_SHOW_RQLEN;
  question.request.udiag_cookie[0] = any_cookie;
  question.request.udiag_cookie[1] = any_cookie;
  const ssize_t sent =
      retry([&] { return send(netlink_.get(), &question, sizeof question, MSG_DONTWAIT); });
  return sent == static_cast<ssize_t>(sizeof question);
}

std::optional<Backlog> backlog_of(int listen_fd) noexcept { return BacklogGauge(listen_fd).read(); }

}  // namespace os
