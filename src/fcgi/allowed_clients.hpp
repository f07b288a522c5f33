#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <vector>

namespace fcgi {

// php-fpm's listen.allowed_clients: the addresses that may connect over TCP. None: all of them. Who
// connects to a unix socket is up to its mode and owner.
class AllowedClients {
 public:
  AllowedClients() = default;

  // Throws std::invalid_argument, one sentence, for what is not a numeric IPv4 or IPv6 address.
  explicit AllowedClients(const std::vector<std::string>& addresses);

  // An IPv4 address is the same one when it comes mapped into IPv6 (::ffff:127.0.0.1).
  bool admit(const sockaddr_storage& peer) const;

 private:
  std::vector<in6_addr> addresses_;  // IPv4 mapped
};

}  // namespace fcgi
