#include "os/backlog.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "os/listener.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"

using support::connection_to;

namespace {

constexpr int nobody = 65534;

struct Door {
  explicit Door(const std::string& kind, int backlog)
      : listener({.address = kind == "unix" ? folder / "door.sock" : "127.0.0.1:0",
                  .backlog = backlog}) {}

  void let_in() { os::Descriptor(accept(listener.fd(), nullptr, nullptr)); }

  support::Folder folder;
  os::Listener listener;
};

}  // namespace

TEST_CASE("A backlog is as long as there are connections that nobody has accepted") {
  Door door(GENERATE(as<std::string>(), "unix", "tcp"), 20);
  os::BacklogGauge gauge(door.listener.fd());
  std::vector<os::Descriptor> clients;
  for (std::uint32_t pending = 0; pending < 9; ++pending) {
    const auto backlog = gauge.read();
    REQUIRE(backlog.has_value());
    CHECK(backlog->pending == pending);
    CHECK(backlog->capacity == 20);
    clients.push_back(connection_to(door.listener.fd()));
  }
  door.let_in();
  CHECK(gauge.read()->pending == 8);
  CHECK(os::backlog_of(door.listener.fd())->pending == 8);
}

TEST_CASE("A backlog is that socket's alone") {
  Door door("unix", 20);
  Door other("unix", 30);
  const auto client = connection_to(other.listener.fd());
  CHECK(os::backlog_of(door.listener.fd())->pending == 0);
  CHECK(os::backlog_of(other.listener.fd())->capacity == 30);
}

TEST_CASE("A gauge reads without privileges, a thousand times, with the descriptors it has") {
  Door door(GENERATE(as<std::string>(), "unix", "tcp"), 20);
  const auto client = connection_to(door.listener.fd());
  CHECK(support::in_child([&] {
          if (geteuid() == 0 && setresuid(nobody, nobody, nobody) != 0) return 1;
          os::BacklogGauge gauge(door.listener.fd());
          const int before = dup(door.listener.fd());
          for (int look = 0; look < 1000; ++look) {
            const auto backlog = gauge.read();
            if (!backlog || backlog->pending != 1) return 2;
          }
          return dup(door.listener.fd()) == before + 1 ? 0 : 3;
        }) == 0);
}

TEST_CASE("A gauge follows a queue that fills and empties by turns") {
  Door door(GENERATE(as<std::string>(), "unix", "tcp"), 20);
  os::BacklogGauge gauge(door.listener.fd());
  for (int turn = 0; turn < 3; ++turn) {
    const auto client = connection_to(door.listener.fd());
    CHECK(gauge.read()->pending == 1);
    door.let_in();
    CHECK(gauge.read()->pending == 0);
  }
}

TEST_CASE("Netlink is asked again only while somebody waits, and tells a changed capacity then") {
  Door door("unix", 20);
  CHECK(support::in_child([&] {
          const int netlink = dup(door.listener.fd());
          close(netlink);  // and so the number that the gauge's own socket gets
          os::BacklogGauge gauge(door.listener.fd());
          const auto reads = [&gauge](std::uint32_t pending, std::uint32_t capacity) {
            const auto backlog = gauge.read();
            return backlog && backlog->pending == pending && backlog->capacity == capacity;
          };
          if (!reads(0, 20)) return 1;
          listen(door.listener.fd(), 30);
          if (!reads(0, 20)) return 2;
          const auto client = connection_to(door.listener.fd());
          if (!reads(1, 30)) return 3;
          door.let_in();
          close(netlink);
          return reads(0, 30) ? 0 : 4;
        }) == 0);
}

TEST_CASE("What does not listen has no backlog") {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const os::Descriptor one(ends[0]);
  const os::Descriptor other(ends[1]);
  const os::Descriptor tcp(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK_FALSE(os::backlog_of(one.get()).has_value());
  CHECK_FALSE(os::backlog_of(tcp.get()).has_value());
  CHECK_FALSE(os::backlog_of(-1).has_value());
}
