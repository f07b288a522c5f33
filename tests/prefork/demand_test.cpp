#include "prefork/demand.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>

#include "os/descriptor.hpp"
#include "support/catch.hpp"

using namespace std::chrono_literals;
using prefork::Demand;
using Outlook = prefork::Demand::Outlook;

namespace {

// A socket, as far as demand sees it: readable while somebody waits.
struct Site {
  os::Descriptor socket{eventfd(0, EFD_NONBLOCK)};
  prefork::Loop loop{};
  Demand demand{loop, {-1, socket.get()}};
  int calls = 0;

  Site() {
    demand.watch([this] { ++calls; });
  }

  void come() const {
    const std::uint64_t one = 1;
    REQUIRE(write(socket.get(), &one, sizeof one) == sizeof one);
  }
  void leave() const {
    std::uint64_t all = 0;
    REQUIRE(read(socket.get(), &all, sizeof all) == sizeof all);
  }
  void listen() { loop.wait_until(now() + 5ms); }

  static Demand::Time now() { return Demand::Time::clock::now(); }
};

}  // namespace

TEST_CASE_METHOD(Site, "Demand is there while somebody waits, watched or not") {
  CHECK_FALSE(demand.is_there());
  come();
  CHECK(demand.is_there());
  demand.forget();
  CHECK(demand.is_there());
  leave();
  CHECK_FALSE(demand.is_there());
}

TEST_CASE_METHOD(Site, "Whoever waits calls once, and again when a look and a pause have passed") {
  const auto [outlook, pause] = GENERATE(table<Outlook, std::chrono::milliseconds>(
      {{Outlook::calm, Demand::pause}, {Outlook::full, Demand::long_pause}}));
  listen();
  CHECK(calls == 0);
  const auto before = now();
  come();
  listen();
  listen();
  CHECK(calls == 1);
  const auto next = demand.looked(outlook, before);
  CHECK(next >= before + pause);
  CHECK(next < before + 1h);
  listen();
  CHECK(calls == 1);
  CHECK(demand.looked(outlook, next) == Demand::Time::max());
  listen();
  CHECK(calls == 2);
}

TEST_CASE_METHOD(Site, "While connections wait a pool looks again after a pause, called or not") {
  const auto start = now();
  CHECK(demand.looked(Outlook::busy, start) == start + Demand::pause);
  come();
  listen();
  CHECK(demand.looked(Outlook::busy, start) == start + Demand::pause);
  CHECK(demand.looked(Outlook::busy, start + 1h) == start + 1h + Demand::pause);
}

TEST_CASE_METHOD(Site, "Once it is forgotten nobody calls") {
  demand.forget();
  come();
  listen();
  CHECK(calls == 0);
}
