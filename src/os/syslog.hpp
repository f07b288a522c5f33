#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "os/descriptor.hpp"

namespace os {

// The number of a facility of syslog, by its name: "daemon", "local0".
std::optional<int> facility_of(std::string_view name);

// The system's log, at its socket. Not syslog(3): that one waits for a daemon that has stopped
// reading, and wants to make sockets, which a confined worker cannot.
class Syslog {
 public:
  static constexpr const char* usual_socket = "/dev/log";

  // Throws std::system_error when nobody listens there.
  Syslog(int facility, std::string ident, const std::string& socket = usual_socket);

  // Goes on with a socket of before, whether or not somebody listens.
  Syslog(int facility, std::string ident, Descriptor held,
         const std::string& socket = usual_socket);

  int fd() const { return socket_.get(); }

  // `severity` as in syslog(3): LOG_ERR. False: lost.
  bool write(int severity, std::string_view text) noexcept;

 private:
  bool connect() const noexcept;

  int facility_;
  std::string ident_;
  std::string path_;
  Descriptor socket_;
};

}  // namespace os
