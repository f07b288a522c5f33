#include "os/output.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <optional>

#include "os/error.hpp"
#include "os/retry.hpp"

namespace os {
namespace {

constexpr int reads_at_once = 16;
constexpr std::size_t read_size = 8192;

struct Piece {
  pid_t writer;
  std::string_view bytes;
};

pid_t writer_of(msghdr& message) {
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
    if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_CREDENTIALS) continue;
    ucred sender{};
    std::memcpy(&sender, CMSG_DATA(at), sizeof sender);
    return sender.pid;
  }
  return 0;
}

// The bytes of one writer: the kernel never mixes two of them in one read.
std::optional<Piece> receive(int fd, std::array<char, read_size>& into) {
  iovec bytes{.iov_base = into.data(), .iov_len = into.size()};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(ucred))> control{};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = retry([&] { return recvmsg(fd, &message, MSG_DONTWAIT); });
  if (size <= 0) return std::nullopt;
  return Piece{.writer = writer_of(message),
               .bytes = {into.data(), static_cast<std::size_t>(size)}};
}

void become(int number, int fd) {
  if (retry([&] { return dup2(fd, number); }) == -1) fail("dup2");
}

}  // namespace

Output::Output(Say say, std::size_t longest)
    : say_(std::move(say)), longest_(longest), out_(made()), error_(made()) {}

Output::Ends Output::made() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == -1) fail("socketpair");
  Ends made{.reading = Descriptor(ends[0]), .writing = Descriptor(ends[1])};
  const int on = 1;
  if (setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == -1) fail("setsockopt");
  return made;
}

void Output::catch_mine() {
  become(STDOUT_FILENO, out_.writing.get());
  become(STDERR_FILENO, error_.writing.get());
  for (Ends* ends : {&out_, &error_}) *ends = {};
}

void Output::read(Stream stream) {
  std::array<char, read_size> bytes{};
  for (int i = 0; i < reads_at_once; ++i) {
    const auto piece = receive(fd(stream), bytes);
    if (!piece) return;
    take({piece->writer, stream}, piece->bytes);
  }
}

void Output::take(Writer writer, std::string_view bytes) {
  std::string& text = begun_[writer];
  text += bytes;
  say_whole_lines(writer, text);
  if (text.empty()) begun_.erase(writer);
}

void Output::say_whole_lines(Writer writer, std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.substr(0, longest_ + 1).find('\n');
    if (end == std::string_view::npos && rest.size() <= longest_) break;
    const std::size_t size = std::min(end, longest_);
    say_(writer.first, writer.second, rest.substr(0, size));
    rest.remove_prefix(end == std::string_view::npos ? size : size + 1);
  }
  text.erase(0, text.size() - rest.size());
}

// A child that has been reaped writes no more, but what it wrote may wait still.
void Output::flush_ended() {
  for (auto at = begun_.begin(); at != begun_.end();) {
    const auto& [writer, text] = *at;
    if (kill(writer.first, 0) == 0 || errno != ESRCH) {
      ++at;
      continue;
    }
    say_(writer.first, writer.second, text);
    at = begun_.erase(at);
  }
}

std::string said_by(std::string_view pool, pid_t child, Output::Stream stream,
                    std::string_view line) {
  std::string text = "[pool ";
  text.append(pool).append("] child ").append(std::to_string(child)).append(" said into ");
  text.append(stream == Output::Stream::out ? "stdout" : "stderr");
  return text.append(": \"").append(line).append("\"");
}

void discard_output() {
  const Descriptor nowhere(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nowhere) fail("open: /dev/null");
  become(STDOUT_FILENO, nowhere.get());
  become(STDERR_FILENO, nowhere.get());
}

}  // namespace os
