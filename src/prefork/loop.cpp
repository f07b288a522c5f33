#include "prefork/loop.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "os/error.hpp"
#include "os/retry.hpp"

namespace prefork {
namespace {

using namespace std::chrono_literals;

int milliseconds_until(Loop::Time moment) {
  const auto left = moment - Loop::Time::clock::now();
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(left);
  return static_cast<int>(std::clamp<std::chrono::milliseconds>(rounded, 0ms, 1h).count());
}

}  // namespace

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) os::fail("epoll_create1");
}

void Loop::watch(int fd, Callback callback, Calls calls) {
  control(EPOLL_CTL_ADD, fd, calls);
  watches_[fd] = {std::make_shared<const Callback>(std::move(callback)), calls};
}

void Loop::rearm(int fd) { control(EPOLL_CTL_MOD, fd, watches_.at(fd).calls); }

void Loop::forget(int fd) {
  if (watches_.erase(fd) > 0) control(EPOLL_CTL_DEL, fd, Calls::always);
}

void Loop::control(int operation, int fd, Calls calls) {
  epoll_event event{};
  event.events = calls == Calls::once ? EPOLLIN | EPOLLONESHOT : EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll_.get(), operation, fd, &event) == -1) os::fail("epoll_ctl");
}

void Loop::wait_until(Time moment) {
  std::array<epoll_event, 16> events{};
  const int count = os::retry([&] {
    return epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                      milliseconds_until(moment));
  });
  if (count == -1) os::fail("epoll_wait");
  for (int i = 0; i < count; ++i) {
    const auto found = watches_.find(events[static_cast<std::size_t>(i)].data.fd);
    if (found == watches_.end()) continue;  // forgotten by a callback before
    const auto callback = found->second.callback;
    (*callback)();
  }
}

}  // namespace prefork
