#include "os/listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <list>
#include <optional>
#include <string>
#include <system_error>

#include "os/retreat.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"
#include "support/shared.hpp"

using os::Listener;
using std::filesystem::exists;
using support::connection_to;
using support::in_child;

namespace {

struct Place {
  support::Folder folder;
  std::string path = folder / "visits.sock";
};

void leave_stale_socket(const std::string& path) {
  in_child([&] {
    const Listener killed({.address = path});
    return raise(SIGKILL);
  });
}

// The error of listening there; none if it works.
std::error_code error_of(const std::string& address) {
  try {
    const Listener listener({.address = address});
    return {};
  } catch (const std::system_error& error) {
    return error.code();
  }
}

bool answers(int fd) {
  const os::Descriptor client = connection_to(fd);
  return client && support::turns_readable(fd) && os::Descriptor(accept(fd, nullptr, nullptr));
}

int port_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

bool loopback_answers(int family, int port) {
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = htons(static_cast<std::uint16_t>(port));
  ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = ipv4.sin_port;
  ipv6.sin6_addr = in6addr_loopback;
  const os::Descriptor client(socket(family, SOCK_STREAM, 0));
  return family == AF_INET
             ? connect(client.get(), reinterpret_cast<sockaddr*>(&ipv4), sizeof ipv4) == 0
             : connect(client.get(), reinterpret_cast<sockaddr*>(&ipv6), sizeof ipv6) == 0;
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

// What the next image finds, when this one hands over that listener.
os::Inheritance inheritance_of(const Listener& listener) {
  os::Handover handover;
  listener.hand_over(handover, "listen");
  setenv(os::Handover::variable, handover.text().c_str(), 1);
  return os::Inheritance::claim();
}

// Of a socket of mode 0600.
os::Inheritance inheritance_with_way_back(const std::string& path) {
  os::Handover handover;  // an exec ends no object's life
  (new Listener({.address = path, .mode = 0600}))->hand_over(handover, "listen");
  (new os::Retreat("text"))->hand_over(handover);
  setenv(os::Handover::variable, handover.text().c_str(), 1);
  return os::Inheritance::claim();
}

// What a service finds that systemd has started with that socket.
os::Inheritance inheritance_of_systemd(int socket) {
  dup2(socket, 3);
  setenv("LISTEN_FDS", "1", 1);
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
  return os::Inheritance::claim();
}

// 0 if it listened, 1 if the path was taken.
int listens_until(const support::Signpost& finish, const std::string& path) {
  try {
    const Listener listener({.address = path});
    finish.wait_for();
    return 0;
  } catch (const std::system_error& error) {
    return error.code() == std::errc::address_in_use ? 1 : 2;
  }
}

// Listens when nobody else does any more; whether the path is still there a moment later.
bool listens_as_soon_as_it_can(const std::string& path) {
  std::optional<Listener> listener;
  while (!listener) try {
      listener.emplace(os::Endpoint{.address = path});
    } catch (const std::system_error&) {
    }
  usleep(1000);
  return exists(path);
}

}  // namespace

TEST_CASE_METHOD(Place, "A listener on a path is connected to, non-blocking and closed on exec") {
  const Listener listener({.address = path});
  CHECK(answers(listener.fd()));
  CHECK((fcntl(listener.fd(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((fcntl(listener.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE_METHOD(Place, "A stale socket is replaced") {
  leave_stale_socket(path);
  REQUIRE(exists(path));
  const Listener listener({.address = path});
  CHECK(answers(listener.fd()));
}

TEST_CASE_METHOD(Place, "A socket that somebody listens on is refused, and goes on working") {
  const Listener first({.address = path});
  CHECK_THROWS_WITH(Listener({.address = path}), support::contains("another process listens"));
  CHECK(error_of(path) == std::errc::address_in_use);
  CHECK(answers(first.fd()));
}

TEST_CASE_METHOD(Place, "A path that is not a socket is refused, and left as it is") {
  folder.write("visits.sock", "precious");
  CHECK_THROWS_WITH(Listener({.address = path}), support::contains("not a socket"));
  CHECK(error_of(path) == std::errc::address_in_use);
  CHECK(support::contents_of(path) == "precious");
}

TEST_CASE_METHOD(Place, "A link to a socket is not followed") {
  leave_stale_socket(folder / "elsewhere");
  std::filesystem::create_symlink(folder / "elsewhere", path);
  CHECK(error_of(path) == std::errc::address_in_use);
  CHECK(exists(folder / "elsewhere"));
}

TEST_CASE_METHOD(Place, "A socket's mode is as asked, whatever the umask") {
  const mode_t mode = GENERATE(0600U, 0660U, 0666U);
  const mode_t before = umask(0177);
  const Listener listener({.address = path, .mode = mode});
  umask(before);
  CHECK(mode_of(path) == mode);
}

TEST_CASE_METHOD(Place, "A listener takes its own owner and group by number") {
  const std::string me = std::to_string(geteuid());
  const std::string group = std::to_string(getegid());
  CHECK_NOTHROW(Listener({.address = path, .owner = me, .group = group}));
}

TEST_CASE_METHOD(Place, "Root's listener takes any owner and group by name") {
  if (support::lacks_root()) return;
  const Listener listener({.address = path, .owner = "root", .group = "daemon"});
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK(status.st_gid == 1);
}

TEST_CASE_METHOD(Place, "A listener removes its path when it closes") {
  Listener listener({.address = path});
  listener.close();
  CHECK_FALSE(exists(path));
  listener.close();
}

TEST_CASE_METHOD(Place, "A listener leaves a path that somebody else has taken since") {
  std::optional<Listener> first(os::Endpoint{.address = path});
  std::filesystem::remove(path);
  const Listener second({.address = path});
  first.reset();
  CHECK(answers(second.fd()));
}

// The follower is forked first: it must not hold the socket that it waits for.
TEST_CASE_METHOD(Place, "A listener that closes does not remove its successor's path") {
  for (int i = 0; i < 100; ++i) {
    const support::Signpost taken;
    support::Child successor([&] {
      taken.wait_for();
      return listens_as_soon_as_it_can(path) ? 0 : 1;
    });
    Listener predecessor({.address = path});
    taken.reach();
    predecessor.close();
    REQUIRE(successor.wait() == 0);
  }
}

TEST_CASE_METHOD(Place, "A forked child's end leaves the path to the process that listens") {
  std::optional<Listener> listener(os::Endpoint{.address = path});
  CHECK(in_child([&] {
          listener.reset();
          return 0;
        }) == 0);
  CHECK(answers(listener->fd()));
}

TEST_CASE_METHOD(Place, "Of twenty that start at once at a stale socket, exactly one listens") {
  leave_stale_socket(path);
  const support::Shared<std::atomic<bool>> start;
  const support::Signpost finish;
  std::list<support::Child> starters;
  for (int i = 0; i < 20; ++i) {
    starters.emplace_back([&] {
      while (!start->load()) sched_yield();
      return listens_until(finish, path);
    });
  }
  start->store(true);
  const auto lost = [&] {
    return std::count_if(starters.begin(), starters.end(), [](auto& s) { return s.has_ended(); });
  };
  CHECK(support::eventually([&] { return lost() == 19; }));
  CHECK(connection_to(path));
  for (int i = 0; i < 20; ++i) finish.reach();
  int refused = 0;
  for (support::Child& starter : starters) refused += starter.wait();
  CHECK(refused == 19);
}

// Between looking at a path and binding it, nobody else may do either.
TEST_CASE_METHOD(Place, "Nobody takes a path while it is another's turn in that folder") {
  leave_stale_socket(path);
  os::Descriptor turn(open(folder.path().c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(flock(turn.get(), LOCK_EX) == 0);
  const support::Signpost listening;
  const support::Signpost finish;
  support::Child starter([&] {
    turn.close();
    const Listener listener({.address = path});
    listening.reach();
    finish.wait_for();
    return 0;
  });
  CHECK_FALSE(listening.reached_within(100));
  turn.close();
  CHECK(listening.reached_within(10000));
  finish.reach();
  CHECK(starter.wait() == 0);
}

TEST_CASE_METHOD(Place, "A listener that fails after it took its path leaves no file") {
  CHECK_THROWS_WITH(Listener({.address = path, .group = "no-such-group"}),
                    support::contains("listen.group: no group is called no-such-group"));
  CHECK_FALSE(exists(path));
  CHECK_THROWS_WITH(Listener({.address = path, .owner = "no-such-user"}),
                    support::contains("listen.owner: no user is called no-such-user"));
  CHECK_FALSE(exists(path));
}

TEST_CASE_METHOD(Place, "A path may have 107 bytes, and no more") {
  const std::string longest = folder / std::string(106 - folder.path().string().size(), 'x');
  REQUIRE(longest.size() == 107);
  CHECK_NOTHROW(Listener({.address = longest}));
  CHECK_THROWS_WITH(Listener({.address = longest + "x"}), support::contains("107 bytes"));
  CHECK(error_of(longest + "x") == std::errc::filename_too_long);
}

TEST_CASE_METHOD(Place, "A path in a missing folder is refused with its name") {
  const std::string nowhere = folder / "missing/visits.sock";
  CHECK_THROWS_WITH(Listener({.address = nowhere}), support::contains(nowhere));
  CHECK(error_of(nowhere) == std::errc::no_such_file_or_directory);
}

TEST_CASE("A listener takes IPv4 and IPv6 addresses") {
  const std::string address = GENERATE("127.0.0.1:0", "[::1]:0");
  const Listener listener({.address = address});
  CHECK(answers(listener.fd()));
}

TEST_CASE("A port alone listens on every local address, of IPv4 and of IPv6") {
  const Listener listener({.address = "0"});
  CHECK(loopback_answers(AF_INET, port_of(listener.fd())));
  CHECK(loopback_answers(AF_INET6, port_of(listener.fd())));
}

TEST_CASE("A TCP port that is taken is refused") {
  const Listener first({.address = "127.0.0.1:0"});
  CHECK(error_of("127.0.0.1:" + std::to_string(port_of(first.fd()))) == std::errc::address_in_use);
}

TEST_CASE("An address that cannot be meant is refused") {
  const std::string address =
      GENERATE("", ":", "visits.sock", "localhost:9000", "127.0.0.1",
               "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1: 9000",
               "99999", "-1", "300.0.0.1:9000", "[::1]", "[::1:9000", "::1]:9000");
  INFO(address);
  CHECK_THROWS_AS(Listener({.address = address}), std::invalid_argument);
}

TEST_CASE("A directory that another program keeps locked is an error, not a hang") {
  const support::Folder folder;
  const os::Descriptor held(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(flock(held.get(), LOCK_EX) == 0);
  CHECK_THROWS_WITH(os::Listener({.address = folder / "visits.sock"}),
                    support::contains("keeps this directory locked"));
}

// In a child, because an exec ends no object's life: the old listener is never destroyed.
TEST_CASE_METHOD(Place, "A socket that was handed over goes on listening, with what waits in it") {
  const std::string address = GENERATE(std::string(), std::string("127.0.0.1:0"));
  CHECK(in_child([&] {
          const std::string where = address.empty() ? path : address;
          auto* const old = new Listener({.address = where, .mode = 0600});
          const os::Descriptor early = connection_to(old->fd());
          os::Inheritance inheritance = inheritance_of(*old);
          const Listener next({.address = where, .mode = 0666}, inheritance, "listen");
          if (next.fd() != old->fd()) return 1;
          if (!os::Descriptor(accept(next.fd(), nullptr, nullptr)) || !answers(next.fd())) return 2;
          return address.empty() && mode_of(path) != 0666 ? 3 : 0;
        }) == 0);
  CHECK_FALSE(exists(path));
}

TEST_CASE_METHOD(Place,
                 "A socket that was handed over ends where its successor listens elsewhere") {
  CHECK(in_child([&] {
          auto* const old = new Listener({.address = path});
          os::Inheritance inheritance = inheritance_of(*old);
          const Listener next({.address = folder / "other.sock"}, inheritance, "listen");
          if (exists(path)) return 1;
          return answers(next.fd()) && connection_to(folder / "other.sock") ? 0 : 2;
        }) == 0);
}

TEST_CASE_METHOD(Place, "A socket whose path is gone is handed over in vain: another one is made") {
  CHECK(in_child([&] {
          auto* const old = new Listener({.address = path});
          os::Inheritance inheritance = inheritance_of(*old);
          std::filesystem::remove(path);
          const Listener next({.address = path}, inheritance, "listen");
          return connection_to(path) ? 0 : 1;
        }) == 0);
}

TEST_CASE_METHOD(Place,
                 "An owner that a socket cannot be given stops no pool that serves already") {
  CHECK(in_child([&] {
          auto* const old = new Listener({.address = path});
          os::Inheritance inheritance = inheritance_of(*old);
          const Listener next({.address = path, .owner = "no-such-user"}, inheritance, "listen");
          return answers(next.fd()) ? 0 : 1;
        }) == 0);
}

TEST_CASE_METHOD(Place, "What was handed over and does not listen is not taken for a listener") {
  CHECK(in_child([&] {
          os::Handover handover;
          handover.give("listen", open("/dev/null", O_RDONLY), "0 " + path);
          setenv(os::Handover::variable, handover.text().c_str(), 1);
          os::Inheritance inheritance = os::Inheritance::claim();
          const Listener next({.address = path}, inheritance, "listen");
          return connection_to(path) ? 0 : 1;
        }) == 0);
}

TEST_CASE_METHOD(Place, "A socket of systemd's is listened on, and its path is left at the end") {
  CHECK(in_child([&] {
          const Listener systemd({.address = path, .mode = 0600});
          os::Inheritance inheritance = inheritance_of_systemd(systemd.fd());
          {
            Listener service({.address = path, .mode = 0666}, inheritance, "listen");
            if (service.fd() != 3 || mode_of(path) != 0600) return 1;
            if ((fcntl(3, F_GETFL) & O_NONBLOCK) == 0) return 2;
            os::Inheritance next = inheritance_of(service);  // and over a reload
            service.close();
          }
          return exists(path) && answers(systemd.fd()) ? 0 : 3;
        }) == 0);
}

TEST_CASE_METHOD(Place, "A socket of systemd's for another address is left alone") {
  CHECK(in_child([&] {
          const Listener systemd({.address = path});
          os::Inheritance inheritance = inheritance_of_systemd(systemd.fd());
          const Listener service({.address = path + "2"}, inheritance, "listen");
          return service.fd() != 3 && inheritance.take(os::Inheritance::of_systemd) ? 0 : 1;
        }) == 0);
}

TEST_CASE("A TCP socket of systemd's is found by its address") {
  CHECK(in_child([] {
          const Listener systemd({.address = "127.0.0.1:0"});
          const std::string address = "127.0.0.1:" + std::to_string(port_of(systemd.fd()));
          os::Inheritance inheritance = inheritance_of_systemd(systemd.fd());
          const Listener service({.address = address}, inheritance, "listen");
          return service.fd() == 3 && answers(service.fd()) ? 0 : 1;
        }) == 0);
}

TEST_CASE_METHOD(Place, "As long as there is a way back, the socket of before is as it was") {
  const bool another = GENERATE(true, false);
  CHECK(in_child([&] {
          os::Inheritance inheritance = inheritance_with_way_back(path);
          const os::Endpoint next{.address = another ? folder / "other.sock" : path, .mode = 0666};
          { const Listener failed(next, inheritance, "listen"); }
          return connection_to(path) && mode_of(path) == 0600 ? 0 : 1;
        }) == 0);
  std::filesystem::remove(path);
  CHECK(in_child([&] {
          os::Inheritance inheritance = inheritance_with_way_back(path);
          const os::Endpoint next{.address = another ? folder / "other.sock" : path, .mode = 0666};
          const Listener listener(next, inheritance, "listen");
          if (!connection_to(path) || mode_of(path) != 0600) return 1;
          inheritance.settle();
          if (mode_of(next.address) != 0666 || exists(path) == another) return 2;
          return connection_to(next.address) ? 0 : 3;
        }) == 0);
  CHECK_FALSE(exists(path));
  CHECK_FALSE(exists(folder / "other.sock"));
}
