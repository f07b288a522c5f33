#include "fcgi/exchange.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "os/retry.hpp"

namespace fcgi {
namespace {

constexpr std::size_t cost_of_an_answer = 1024;  // bytes of the kernel's own, for each write

short events_of(int fd, short events) {
  pollfd connection{.fd = fd, .events = events, .revents = 0};
  os::retry([&] { return poll(&connection, 1, 0); });
  return connection.revents;
}

}  // namespace

Exchange::Heard Exchange::hear() {
  std::array<char, 65536> bytes;
  const ssize_t count =
      os::retry([&] { return recv(connection_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT); });
  may_have_left_some_ = count == static_cast<ssize_t>(bytes.size());
  if (count == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Heard::nothing;
  if (count <= 0) return Heard::end;
  if (is_idle()) screen_ = *spare_ ? std::move(*spare_) : std::make_unique<Screen>(bodies_);
  switch (screen_->take(std::string_view(bytes.data(), static_cast<std::size_t>(count)))) {
    case Verdict::incomplete: return Heard::part;
    case Verdict::sound: return Heard::request;
    case Verdict::reject: return Heard::end;
  }
  return Heard::end;
}

bool Exchange::has_news() const { return events_of(connection_.get(), POLLIN) != 0; }

bool Exchange::is_waited_for(bool here) {
  if (here && sent_ < much) return true;
  sent_ = 0;
  return events_of(connection_.get(), POLLOUT | POLLRDHUP) == POLLOUT;
}

bool Exchange::answer(Codec& codec, const Handler& handler, Keep keep) {
  const bool stays = keep == Keep::yes && keeps();
  if (!codec.answer({screen_->text(), screen_->body()}, connection_.get(), handler)) return false;
  sent_ += cost_of_an_answer + codec.answer_size();
  screen_->begin_anew();
  *spare_ = std::move(screen_);
  return stays;
}

}  // namespace fcgi
