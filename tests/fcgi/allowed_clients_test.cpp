#include "fcgi/allowed_clients.hpp"

#include <arpa/inet.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/catch.hpp"

using fcgi::AllowedClients;

namespace {

using Addresses = std::vector<std::string>;

sockaddr_storage peer(const char* text) {
  sockaddr_in four{};
  sockaddr_in6 six{};
  sockaddr_storage address{};
  four.sin_family = AF_INET;
  six.sin6_family = AF_INET6;
  if (inet_pton(AF_INET, text, &four.sin_addr) == 1) std::memcpy(&address, &four, sizeof four);
  if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1) std::memcpy(&address, &six, sizeof six);
  return address;
}

}  // namespace

TEST_CASE("Without a list everybody is allowed") {
  CHECK(AllowedClients().admit(peer("192.0.2.1")));
  CHECK(AllowedClients(Addresses{}).admit(peer("2001:db8::1")));
}

TEST_CASE("With a list only those in it are allowed") {
  const AllowedClients clients({"127.0.0.1", "2001:db8::1"});
  CHECK(clients.admit(peer("127.0.0.1")));
  CHECK(clients.admit(peer("2001:db8::1")));
  CHECK_FALSE(clients.admit(peer("127.0.0.2")));
  CHECK_FALSE(clients.admit(peer("2001:db8::2")));
  CHECK_FALSE(clients.admit(sockaddr_storage{}));
}

TEST_CASE("An IPv4 address that is mapped into IPv6 is the same address") {
  CHECK(AllowedClients(Addresses{"127.0.0.1"}).admit(peer("::ffff:127.0.0.1")));
  CHECK(AllowedClients(Addresses{"::ffff:127.0.0.1"}).admit(peer("127.0.0.1")));
  CHECK_FALSE(AllowedClients(Addresses{"127.0.0.1"}).admit(peer("::127.0.0.1")));
}

TEST_CASE("What is not a numeric address is refused, by its text") {
  for (const char* text : {"localhost", "127.0.0", "127.0.0.1/8", "", "any"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(AllowedClients(Addresses{"127.0.0.1", text}), std::invalid_argument);
  }
  CHECK_THROWS_WITH(AllowedClients(Addresses{"localhost"}),
                    "listen.allowed_clients: \"localhost\" is not a numeric IPv4 or IPv6 address");
}
