#include "fcgi/allowed_clients.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace fcgi {
namespace {

in6_addr mapped(const in_addr& address) {
  in6_addr out{};
  out.s6_addr[10] = out.s6_addr[11] = 0xff;
  std::memcpy(&out.s6_addr[12], &address, sizeof address);
  return out;
}

std::optional<in6_addr> address_in(const std::string& text) {
  in_addr four{};
  in6_addr six{};
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) return mapped(four);
  if (inet_pton(AF_INET6, text.c_str(), &six) == 1) return six;
  return std::nullopt;
}

in6_addr address_of(const sockaddr_storage& peer) {
  if (peer.ss_family == AF_INET) return mapped(reinterpret_cast<const sockaddr_in&>(peer).sin_addr);
  return reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
}

}  // namespace

AllowedClients::AllowedClients(const std::vector<std::string>& addresses) {
  for (const std::string& text : addresses) {
    const auto address = address_in(text);
    if (!address) {
      throw std::invalid_argument("listen.allowed_clients: \"" + text +
                                  "\" is not a numeric IPv4 or IPv6 address");
    }
    addresses_.push_back(*address);
  }
}

bool AllowedClients::admit(const sockaddr_storage& peer) const {
  if (addresses_.empty() || peer.ss_family == AF_UNIX) return true;
  if (peer.ss_family != AF_INET && peer.ss_family != AF_INET6) return false;
  const in6_addr address = address_of(peer);
  return std::any_of(addresses_.begin(), addresses_.end(), [&](const in6_addr& allowed) {
    return std::memcmp(&allowed, &address, sizeof address) == 0;
  });
}

}  // namespace fcgi
