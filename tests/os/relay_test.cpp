#include "os/relay.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <system_error>
#include <utility>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/limits.hpp"
#include "support/records.hpp"

using os::Descriptor;
using os::Relay;

namespace {

struct Pair {
  Descriptor mine;
  Descriptor sent;

  Pair() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    mine = Descriptor(ends[0]);
    sent = Descriptor(ends[1]);
  }
};

bool leads_to(const Descriptor& mine, const Descriptor& other) {
  support::send(other.get(), "x");
  char byte = 0;
  return recv(mine.get(), &byte, 1, MSG_DONTWAIT) == 1 && byte == 'x';
}

}  // namespace

TEST_CASE("A descriptor sent by a process that ends is received by another, open") {
  const Relay relay;
  Pair pair;
  CHECK(support::in_child([&] { return relay.send(pair.sent) ? 0 : 1; }) == 0);
  pair.sent.close();
  CHECK(support::is_readable(relay.receiving_fd()));
  const auto received = relay.receive();
  REQUIRE(received);
  CHECK(leads_to(pair.mine, *received));
}

TEST_CASE("What was sent is received once, in its order, and closed on exec") {
  const Relay relay;
  const Pair first;
  const Pair second;
  CHECK(relay.send(first.sent));
  CHECK(relay.send(second.sent));
  const auto one = relay.receive();
  const auto two = relay.receive();
  REQUIRE((one && two));
  CHECK(leads_to(first.mine, *one));
  CHECK(leads_to(second.mine, *two));
  CHECK((fcntl(one->get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK_FALSE(relay.receive());
  CHECK_FALSE(support::is_readable(relay.receiving_fd()));
}

TEST_CASE("A relay without room refuses, and what it refused stays its sender's") {
  const Relay relay;
  const Pair pair;
  int sent = 0;
  while (sent < 100'000 && relay.send(pair.sent)) ++sent;
  CHECK(sent >= 200);
  CHECK(sent < 100'000);
  CHECK(fcntl(pair.sent.get(), F_GETFD) != -1);
  REQUIRE(relay.receive());
  CHECK(relay.send(pair.sent));
}

TEST_CASE("Nothing is lost at a receiver that has no room for a descriptor") {
  const Relay relay;
  const Pair pair;
  REQUIRE(relay.send(pair.sent));
  CHECK(support::in_child([&] {
          support::leave_room_for(0);
          try {
            (void)relay.receive();
            return 1;
          } catch (const std::system_error& error) {
            return error.code() == std::errc::too_many_files_open ? 0 : 2;
          }
        }) == 0);
  CHECK(relay.receive());
}

TEST_CASE("A relay is taken over by its descriptors, with what waits in it") {
  const Relay old;
  const Pair pair;
  REQUIRE(old.send(pair.sent));
  const Relay taken(Descriptor(dup(old.sending_fd())), Descriptor(dup(old.receiving_fd())));
  const auto received = taken.receive();
  REQUIRE(received);
  CHECK(leads_to(pair.mine, *received));
  CHECK(taken.send(pair.sent));
  CHECK(old.receive());
}
