#include "prefork/loop.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "os/descriptor.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"

using namespace std::chrono_literals;
using prefork::Loop;

namespace {

// A descriptor that is readable while its counter is not 0.
struct Bell {
  os::Descriptor fd{eventfd(0, EFD_NONBLOCK)};

  void ring() const {
    const std::uint64_t one = 1;
    REQUIRE(write(fd.get(), &one, sizeof one) == sizeof one);
  }
  void hush() const {
    std::uint64_t rings = 0;
    REQUIRE(read(fd.get(), &rings, sizeof rings) == sizeof rings);
  }
};

Loop::Time now() { return Loop::Time::clock::now(); }

}  // namespace

TEST_CASE("A loop calls back for what is readable, and for nothing else") {
  Loop loop;
  const Bell rung;
  const Bell silent;
  int calls = 0;
  int wrong_calls = 0;
  loop.watch(rung.fd.get(), [&] { ++calls; });
  loop.watch(silent.fd.get(), [&] { ++wrong_calls; });
  rung.ring();
  loop.wait_until(now() + 1h);
  CHECK(calls == 1);
  loop.wait_until(now() + 1h);
  CHECK(calls == 2);
  rung.hush();
  loop.wait_until(now() + 10ms);
  CHECK(calls == 2);
  CHECK(wrong_calls == 0);
}

TEST_CASE("A loop that waits for a moment is never early") {
  Loop loop;
  for (const auto pause : {0us, 100us, 1500us, 20000us}) {
    const auto moment = now() + pause;
    loop.wait_until(moment);
    CHECK(now() >= moment);
  }
}

TEST_CASE("A moment that has passed is no wait, and what is readable is called back all the same") {
  Loop loop;
  const Bell bell;
  bell.ring();
  int calls = 0;
  loop.watch(bell.fd.get(), [&] { ++calls; });
  loop.wait_until(Loop::Time{});
  CHECK(calls == 1);
}

TEST_CASE("What is watched once calls once, and again after it was rearmed") {
  Loop loop;
  const Bell bell;
  bell.ring();
  int calls = 0;
  loop.watch(
      bell.fd.get(), [&] { ++calls; }, Loop::Calls::once);
  for (int i = 0; i < 3; ++i) loop.wait_until(now() + 1ms);
  CHECK(calls == 1);
  loop.rearm(bell.fd.get());
  for (int i = 0; i < 3; ++i) loop.wait_until(now() + 1ms);
  CHECK(calls == 2);
}

TEST_CASE("A callback may forget itself, and another one whose call is due already") {
  Loop loop;
  const Bell first;
  const Bell second;
  first.ring();
  second.ring();
  int calls = 0;
  const auto forget_both = [&] {
    ++calls;
    loop.forget(first.fd.get());
    loop.forget(second.fd.get());
  };
  loop.watch(first.fd.get(), forget_both);
  loop.watch(second.fd.get(), forget_both);
  for (int i = 0; i < 3; ++i) loop.wait_until(now() + 1ms);
  CHECK(calls == 1);
}

TEST_CASE("A child that leaves its parent's loop takes nothing from it") {
  Loop loop;
  const Bell bell;
  int calls = 0;
  loop.watch(bell.fd.get(), [&] { ++calls; });
  CHECK(support::in_child([&] {
          loop.leave();
          return 0;
        }) == 0);
  bell.ring();
  loop.wait_until(now() + 1h);
  CHECK(calls == 1);
}
