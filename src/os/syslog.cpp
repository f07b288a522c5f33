#include "os/syslog.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <exception>
#include <utility>

#include "os/error.hpp"

namespace os {
namespace {

constexpr std::array<std::pair<std::string_view, int>, 19> facilities = {{
    {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},
    {"daemon", LOG_DAEMON}, {"ftp", LOG_FTP},           {"lpr", LOG_LPR},
    {"mail", LOG_MAIL},     {"news", LOG_NEWS},         {"syslog", LOG_SYSLOG},
    {"user", LOG_USER},     {"uucp", LOG_UUCP},         {"local0", LOG_LOCAL0},
    {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},     {"local3", LOG_LOCAL3},
    {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},     {"local6", LOG_LOCAL6},
    {"local7", LOG_LOCAL7},
}};

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%b %e %H:%M:%S ", &local);
  return text.data();
}

}  // namespace

std::optional<int> facility_of(std::string_view name) {
  for (const auto& [known, number] : facilities) {
    if (known == name) return number;
  }
  return std::nullopt;
}

Syslog::Syslog(int facility, std::string ident, const std::string& socket_path)
    : facility_(facility),
      ident_(std::move(ident)),
      path_(socket_path),
      socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (!socket_) fail("socket");
  if (!connect()) fail("connect: " + path_, "no syslog daemon listens there");
}

Syslog::Syslog(int facility, std::string ident, Descriptor held, const std::string& socket_path)
    : facility_(facility), ident_(std::move(ident)), path_(socket_path), socket_(std::move(held)) {}

bool Syslog::connect() const noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  return ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// A daemon that was restarted has another socket at the same path.
bool Syslog::write(int severity, std::string_view text) noexcept try {
  std::string message = "<" + std::to_string(facility_ | severity) + ">" + now() + ident_ + "[" +
                        std::to_string(getpid()) + "]: ";
  message += text;
  const auto sent = [&] {
    return send(socket_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) != -1;
  };
  return sent() || (errno != EAGAIN && connect() && sent());
} catch (const std::exception&) {
  return false;
}

}  // namespace os
