#include "prefork/service.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "os/retreat.hpp"
#include "os/signals.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"
#include "support/program.hpp"
#include "support/shared.hpp"

using namespace std::chrono_literals;
using prefork::Service;
using prefork::Worker;
using support::eventually;

namespace {

struct Diary {
  std::atomic<bool> busy{false};  // what the worker should be
  std::atomic<bool> ready{false};
  std::atomic<bool> stopped{false};
  std::atomic<bool> words{false};  // of the front, on its stderr
};

// A service in a child of the test, which is systemd to it.
struct Unit {
  support::Folder folder;
  support::Shared<Diary> diary;
  os::Descriptor notifications{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::string heard{};
  support::Words front{};
  std::string failure{};  // of the image after this one
  std::optional<support::Child> service{};

  Unit() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder / "notify";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int result =
        bind(notifications.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (result == -1) throw std::runtime_error("bind " + path);
  }

  int live(const std::string& watchdog) const {
    setenv("NOTIFY_SOCKET", (folder / "notify").c_str(), 1);
    if (!watchdog.empty()) setenv("WATCHDOG_USEC", watchdog.c_str(), 1);
    if (!failure.empty()) hand_over_failure();
    os::block_signals();
    os::Inheritance inheritance = os::Inheritance::claim();
    Service pool(
        {.premises = {.pid_file = folder / "pid", .endpoint = {.address = folder / "sock"}},
         .limits = {.max_children = 1},
         .words = {folder / "no-such-program"},
         .front = front,
         .say_of_front = [this](std::string_view line) { diary->words = line == "words"; },
         .systemd_interval = 1ms},
        inheritance);
    return pool.run({.serve = [this](Worker& worker) { work(worker); },
                     .stop_listening = [this] { diary->stopped = true; },
                     .ready = [this] { diary->ready = true; }});
  }

  void hand_over_failure() const {
    os::Handover handover;
    (new os::Retreat("text"))->hand_over(handover);
    handover.withdraw(os::Inheritance::image_before);
    handover.annotate(os::Inheritance::configuration_before, failure);
    setenv(os::Handover::variable, handover.text().c_str(), 1);
  }

  void work(Worker& worker) const {
    worker.idle();
    bool busy = false;
    while (!worker.stopping()) {
      if (diary->busy && !busy) worker.begin({});
      if (!diary->busy && busy) worker.end();
      busy = diary->busy;
      usleep(1000);
    }
  }

  void start(const std::string& watchdog = {}) {
    service.emplace([this, watchdog] { return live(watchdog); });
  }

  // Whether systemd hears that, from now on.
  bool hears(const std::string& text) {
    heard.clear();
    return eventually([&] {
      listen();
      return heard.find(text) != std::string::npos;
    });
  }

  void listen() {
    std::array<char, 500> message{};
    for (;;) {
      const ssize_t size = recv(notifications.get(), message.data(), message.size(), MSG_DONTWAIT);
      if (size <= 0) return;
      heard.append(message.data(), static_cast<std::size_t>(size));
    }
  }
};

}  // namespace

TEST_CASE_METHOD(Unit, "systemd hears when a pool is ready, how it is, and that it stops") {
  start();
  CHECK(hears("READY=1\nMAINPID=" + std::to_string(service->pid()) + "\n"));
  CHECK(diary->ready);
  CHECK(support::connection_to(folder / "sock"));
  CHECK(hears("STATUS=Processes active: 0, idle: 1, Requests: 0, slow: 0\n"));
  service->signal(SIGTERM);
  CHECK(hears("STOPPING=1\n"));
  CHECK(service->wait() == 0);
  CHECK(diary->stopped);
  CHECK_FALSE(std::filesystem::exists(folder / "sock"));
  CHECK_FALSE(std::filesystem::exists(folder / "pid"));
}

TEST_CASE_METHOD(Unit,
                 "systemd hears of a reload, and that the pool is ready though it is refused") {
  start();
  REQUIRE(hears("READY=1"));
  service->signal(SIGHUP);
  CHECK(hears("STATUS=Reload refused: cannot run " + folder / "no-such-program"));
  CHECK_THAT(heard, support::contains("RELOADING=1\nMONOTONIC_USEC="));
  service->signal(SIGTERM);
  CHECK(service->wait() == 0);
}

TEST_CASE_METHOD(Unit, "systemd hears why a pool is ready again that a reload was to replace") {
  failure = "a file is gone";
  start();
  CHECK(hears("STATUS=Reload refused: a file is gone"));
  CHECK_THAT(heard, support::contains("READY=1\n"));
  service->signal(SIGTERM);
  CHECK(service->wait() == 0);
}

TEST_CASE_METHOD(Unit, "The watchdog hears nothing while every worker hangs") {
  start("200000");
  REQUIRE(hears("WATCHDOG=1"));
  diary->busy = true;
  std::this_thread::sleep_for(1500ms);  // the tick that was on its way
  listen();
  heard.clear();
  std::this_thread::sleep_for(1500ms);
  listen();
  CHECK_THAT(heard, !support::contains("WATCHDOG=1"));
  CHECK_THAT(heard, support::contains("active: 1"));
  diary->busy = false;
  CHECK(hears("WATCHDOG=1"));
  service->signal(SIGTERM);
  CHECK(service->wait() == 0);
}

TEST_CASE_METHOD(Unit, "A service runs the command in front of its pool, and drains it first") {
  front = {"sh", "-c",
           "trap 'echo > " + folder / "hup" + "' HUP; trap 'exit' QUIT; echo > " + folder / "up" +
               "; echo words >&2; while test -e " + folder / "up" + "; do sleep 0.01; done"};
  start();
  REQUIRE(hears("READY=1"));
  const auto is_there = [&](const char* name) {
    return eventually([&] { return std::filesystem::exists(folder / name); });
  };
  CHECK(is_there("up"));
  service->signal(SIGHUP);
  CHECK(is_there("hup"));
  CHECK(eventually([&] { return diary->words.load(); }));
  service->signal(SIGTERM);
  CHECK(service->wait() == 0);
  CHECK(diary->stopped);
}
