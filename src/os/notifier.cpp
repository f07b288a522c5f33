#include "os/notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace os {
namespace {

std::string variable(const char* name) {
  const char* const value = getenv(name);
  return value == nullptr ? "" : value;
}

std::optional<std::chrono::microseconds> watchdog_of_environment() {
  const std::string text = variable("WATCHDOG_USEC");
  const std::string process = variable("WATCHDOG_PID");
  std::int64_t time = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time);
  const bool meant = error == std::errc{} && end == text.data() + text.size() && time > 0;
  const bool ours = process.empty() || process == std::to_string(getpid());
  if (!meant || !ours) return std::nullopt;
  return std::chrono::microseconds(time);
}

// A line of the protocol is a line.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string monotonic_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC
  return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

}  // namespace

Notifier::Notifier() : address_(variable("NOTIFY_SOCKET")), watchdog_(watchdog_of_environment()) {}

void Notifier::ready(const std::string& status) const {
  send("READY=1\nMAINPID=" + std::to_string(getpid()) + "\nSTATUS=" + one_line(status) + "\n");
}

void Notifier::reloading() const { send("RELOADING=1\nMONOTONIC_USEC=" + monotonic_now() + "\n"); }

void Notifier::stopping() const { send("STOPPING=1\nSTATUS=Stopping\n"); }

void Notifier::status(const std::string& text) const { send("STATUS=" + one_line(text) + "\n"); }

void Notifier::alive() const { send("WATCHDOG=1\n"); }

void Notifier::send(const std::string& state) const {
  sockaddr_un address{};
  if (address_.empty() || address_.size() > sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  address_.copy(address.sun_path, address_.size());
  if (address_.front() == '@') address.sun_path[0] = '\0';  // abstract
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
         reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace os
