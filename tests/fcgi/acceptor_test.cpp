#include "fcgi/acceptor.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "os/listener.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"
#include "support/limits.hpp"
#include "support/records.hpp"

using namespace std::chrono_literals;
using fcgi::Acceptor;
using support::connection_to;

namespace {

// A listening socket, a client, and the connection that the acceptor makes of it.
struct Meeting {
  support::Folder folder;
  os::Listener listener;
  os::Descriptor client;
  os::Descriptor connection;

  Meeting(const std::string& address, fcgi::TimeLimits limits)
      : listener({.address = address == "unix" ? folder / "visits.sock" : address}),
        client(connection_to(listener.fd())) {
    if (!client || !support::turns_readable(listener.fd())) return;
    if (auto fd = Acceptor(listener.fd(), limits).accept()) connection = std::move(*fd);
  }

  template <class T>
  T option(int level, int name) const {
    T value{};
    socklen_t size = sizeof value;
    getsockopt(connection.get(), level, name, &value, &size);
    return value;
  }

  std::chrono::microseconds patience() const {
    const auto time = option<timeval>(SOL_SOCKET, SO_SNDTIMEO);
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  }
};

fcgi::AllowedClients allowed(const std::string& address) {
  return fcgi::AllowedClients(std::vector<std::string>{address});
}

}  // namespace

TEST_CASE("An accepted connection has the time limit on writing that was asked for") {
  const std::string address = GENERATE("unix", "127.0.0.1:0", "[::1]:0");
  const Meeting meeting(address, {.write = 3400ms});
  REQUIRE(meeting.connection);
  CHECK(meeting.patience() == 3400ms);
}

TEST_CASE("An accepted connection blocks, and is closed on exec") {
  const std::string address = GENERATE("unix", "127.0.0.1:0");
  const Meeting meeting(address, {});
  REQUIRE(meeting.connection);
  CHECK((fcntl(meeting.connection.get(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK((fcntl(meeting.connection.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("Small packets of a TCP connection are not held back") {
  const Meeting meeting("127.0.0.1:0", {});
  REQUIRE(meeting.connection);
  CHECK(meeting.option<int>(IPPROTO_TCP, TCP_NODELAY) != 0);
}

TEST_CASE("Nobody is accepted when nobody waits") {
  const os::Listener listener({.address = "127.0.0.1:0"});
  CHECK_FALSE(Acceptor(listener.fd(), {}).accept());
}

TEST_CASE("A process that cannot take more connections says so, and the client waits") {
  const os::Listener listener({.address = "127.0.0.1:0"});
  const os::Descriptor client = connection_to(listener.fd());
  REQUIRE(support::turns_readable(listener.fd()));
  CHECK(support::in_child([&] {
          const Acceptor acceptor(listener.fd(), {});
          support::leave_room_for(0);
          try {
            (void)acceptor.accept();
            return 1;
          } catch (const std::system_error& error) {
            if (error.code() != std::errc::too_many_files_open) return 2;
          }
          support::leave_room_for(1);
          return acceptor.accept() ? 0 : 3;
        }) == 0);
}

TEST_CASE("A client that is not allowed is closed, and one that is gets its connection") {
  const os::Listener listener({.address = "127.0.0.1:0"});
  const os::Descriptor client = connection_to(listener.fd());
  REQUIRE(support::turns_readable(listener.fd()));
  SECTION("allowed") { CHECK(Acceptor(listener.fd(), {}, allowed("127.0.0.1")).accept()); }
  SECTION("not allowed") {
    CHECK_FALSE(Acceptor(listener.fd(), {}, allowed("192.0.2.1")).accept());
    CHECK(support::ends(client.get()));
  }
}

TEST_CASE("Whoever may connect to a unix socket is allowed") {
  const support::Folder folder;
  const os::Listener listener({.address = folder / "visits.sock"});
  const os::Descriptor client = connection_to(listener.fd());
  CHECK(Acceptor(listener.fd(), {}, allowed("192.0.2.1")).accept());
}
