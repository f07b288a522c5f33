#include "os/log.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <exception>

#include "os/retry.hpp"

namespace os {
namespace {

constexpr std::array<const char*, 4> level_names = {"DEBUG", "NOTICE", "WARNING", "ERROR"};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
    } else {
      std::array<char, 5> hex{};
      std::snprintf(hex.data(), hex.size(), "\\x%02x", byte);
      out += hex.data();
    }
  }
  return out;
}

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "[%d-%b-%Y %H:%M:%S] ", &local);
  return text.data();
}

}  // namespace

std::string line_of(Level level, std::string_view text) {
  return std::string(level_names[static_cast<std::size_t>(level)]) + ": " + escaped(text) + "\n";
}

void log(Level level, std::string_view text) noexcept try {
  const std::string line = now() + line_of(level, text);
  pollfd standard_error{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&standard_error, 1, 0) != 1) return;  // a pipe that nobody reads: nobody waits for it
  (void)retry([&] { return write(STDERR_FILENO, line.data(), line.size()); });
} catch (const std::exception&) {
  // Out of memory for one line: the line is lost, the service goes on.
}

}  // namespace os
