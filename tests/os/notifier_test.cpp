#include "os/notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "support/catch.hpp"
#include "support/folder.hpp"

using namespace std::chrono_literals;
using os::Notifier;

namespace {

// The socket that systemd listens on, and its variables.
struct Systemd {
  explicit Systemd(const std::string& name = "/notify") {
    address.sun_family = AF_UNIX;
    const std::string path = name == "/notify" ? folder / "notify" : name;
    path.copy(address.sun_path, path.size());
    if (path.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    if (bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) == 0) {
      setenv("NOTIFY_SOCKET", path.c_str(), 1);
    }
  }
  Systemd(const Systemd&) = delete;
  Systemd& operator=(const Systemd&) = delete;
  ~Systemd() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }

  std::string hears() const {
    std::array<char, 1000> text{};
    const ssize_t size = recv(socket.get(), text.data(), text.size(), MSG_DONTWAIT);
    return size < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(size));
  }

  support::Folder folder;
  sockaddr_un address{};
  os::Descriptor socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

}  // namespace

TEST_CASE_METHOD(Systemd, "systemd hears of ready, reloading, stopping and the watchdog") {
  const Notifier notifier;
  CHECK(notifier.is_wanted());
  notifier.ready("4 workers\nREADY=0");
  CHECK(hears() == "READY=1\nMAINPID=" + std::to_string(getpid()) + "\nSTATUS=4 workers READY=0\n");
  notifier.status("idle");
  CHECK(hears() == "STATUS=idle\n");
  notifier.alive();
  CHECK(hears() == "WATCHDOG=1\n");
  notifier.stopping();
  CHECK_THAT(hears(), support::contains("STOPPING=1\n"));
}

TEST_CASE_METHOD(Systemd, "A reload is told with its time, of the clock that systemd uses") {
  const auto before = std::chrono::steady_clock::now().time_since_epoch();
  Notifier().reloading();
  const auto after = std::chrono::steady_clock::now().time_since_epoch();
  const std::string text = hears();
  const std::string start = "RELOADING=1\nMONOTONIC_USEC=";
  REQUIRE(text.substr(0, start.size()) == start);
  const std::chrono::microseconds told(std::stoll(text.substr(start.size())));
  CHECK(told >= std::chrono::floor<std::chrono::microseconds>(before));
  CHECK(told <= after);
}

TEST_CASE("An abstract socket is told as well") {
  const Systemd systemd("@visits-notifier-test-" + std::to_string(getpid()));
  Notifier().alive();
  CHECK(systemd.hears() == "WATCHDOG=1\n");
}

TEST_CASE("Without systemd nothing is told, and nothing fails") {
  const std::string path =
      GENERATE(as<std::string>(), "", "/no/such/socket", std::string(200, 'x'));
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  const Notifier notifier;
  unsetenv("NOTIFY_SOCKET");
  CHECK(notifier.is_wanted() == !path.empty());
  notifier.ready("idle");
  notifier.alive();
}

TEST_CASE_METHOD(Systemd, "A service manager that does not listen is not waited for") {
  const Notifier notifier;
  for (int i = 0; i < 10000; ++i) notifier.alive();
  CHECK(hears() == "WATCHDOG=1\n");
}

TEST_CASE_METHOD(Systemd, "The watchdog's time is this process's, and a number") {
  CHECK_FALSE(Notifier().watchdog());
  setenv("WATCHDOG_USEC", "3000000", 1);
  CHECK(Notifier().watchdog() == 3s);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  CHECK(Notifier().watchdog() == 3s);
  setenv("WATCHDOG_PID", std::to_string(getppid()).c_str(), 1);
  CHECK_FALSE(Notifier().watchdog());
  unsetenv("WATCHDOG_PID");
  for (const char* text : {"", "0", "-1", "x", "3s"}) {
    setenv("WATCHDOG_USEC", text, 1);
    CHECK_FALSE(Notifier().watchdog());
  }
}
