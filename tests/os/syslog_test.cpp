#include "os/syslog.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <regex>
#include <string>

#include "os/descriptor.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

namespace {

// Stands in for the daemon.
class Daemon {
 public:
  explicit Daemon(const std::string& path)
      : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    unlink(path.c_str());
    const auto* plain = reinterpret_cast<const sockaddr*>(&address);
    if (bind(socket_.get(), plain, sizeof address) == -1) throw std::runtime_error("bind");
  }

  std::string heard() const {
    std::array<char, 1024> text{};
    const ssize_t size = recv(socket_.get(), text.data(), text.size(), MSG_DONTWAIT);
    return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
  }

 private:
  os::Descriptor socket_;
};

}  // namespace

TEST_CASE("Syslog hears facility and severity, time, name and process") {
  const support::Folder folder;
  const Daemon daemon(folder / "log");
  os::Syslog log(LOG_LOCAL3, "counter", folder / "log");
  CHECK(log.write(LOG_WARNING, "[WARNING] one"));
  const std::regex form(
      R"(<156>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d counter\[(\d+)\]: \[WARNING\] one)");
  const std::string heard = daemon.heard();
  INFO(heard);
  std::smatch match;
  REQUIRE(std::regex_match(heard, match, form));
  CHECK(match[1] == std::to_string(getpid()));
}

TEST_CASE("A syslog daemon that was restarted hears the next line") {
  const support::Folder folder;
  auto daemon = std::make_unique<Daemon>(folder / "log");
  os::Syslog log(LOG_DAEMON, "counter", folder / "log");
  daemon.reset();
  CHECK_FALSE(log.write(LOG_ERR, "lost"));
  daemon = std::make_unique<Daemon>(folder / "log");
  CHECK(log.write(LOG_ERR, "found"));
  CHECK_THAT(daemon->heard(), support::contains("found"));
}

TEST_CASE("A socket of before needs no syslog daemon, and finds it when it is back") {
  const support::Folder folder;
  auto daemon = std::make_unique<Daemon>(folder / "log");
  const os::Syslog before(LOG_DAEMON, "counter", folder / "log");
  daemon.reset();
  os::Syslog log(LOG_DAEMON, "counter", os::Descriptor(dup(before.fd())), folder / "log");
  CHECK_FALSE(log.write(LOG_ERR, "lost"));
  daemon = std::make_unique<Daemon>(folder / "log");
  CHECK(log.write(LOG_ERR, "found"));
  CHECK_THAT(daemon->heard(), support::contains("found"));
}

TEST_CASE("A syslog daemon that has stopped reading keeps nobody waiting") {
  const support::Folder folder;
  const Daemon daemon(folder / "log");
  os::Syslog log(LOG_DAEMON, "counter", folder / "log");
  int written = 0;
  while (written < 100000 && log.write(LOG_ERR, "one of many")) ++written;
  CHECK(written < 100000);
}

TEST_CASE("Without a syslog daemon there is an error with the socket's path") {
  CHECK_THROWS_WITH(os::Syslog(LOG_DAEMON, "counter", "/no/such/log"),
                    support::contains("connect: /no/such/log"));
}

TEST_CASE("A facility has a number by its name, and no other word has") {
  CHECK(os::facility_of("daemon") == LOG_DAEMON);
  CHECK(os::facility_of("local7") == LOG_LOCAL7);
  CHECK_FALSE(os::facility_of("kitchen"));
}
