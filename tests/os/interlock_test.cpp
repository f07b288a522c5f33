#include "os/interlock.hpp"

#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <list>
#include <optional>
#include <string>

#include "support/catch.hpp"
#include "support/child.hpp"

using os::Interlock;
using support::in_child;

namespace {

// A name that no other test uses.
struct Name {
  std::string name = "test " + std::to_string(getpid());
};

// 0 if it is free, 1 if it is refused.
int take_from_child(const std::string& name) {
  return in_child([&] {
    try {
      const Interlock interlock(name);
      return 0;
    } catch (const std::exception&) {
      return 1;
    }
  });
}

}  // namespace

TEST_CASE_METHOD(Name, "What is held is refused, with its holder, and another name is not") {
  const Interlock first(name);
  CHECK_THROWS_WITH(Interlock(name), name + ": in use by another pool, process " +
                                         std::to_string(getpid()) + "; stop it, or choose another");
  CHECK_NOTHROW(Interlock(name + "0"));
  CHECK(take_from_child(name) == 1);
}

TEST_CASE_METHOD(Name, "What is let go of is free, and so is what its holder's death let go of") {
  { const Interlock first(name); }
  CHECK(take_from_child(name) == 0);
  in_child([&] {
    const Interlock killed(name);
    return raise(SIGKILL);
  });
  CHECK(take_from_child(name) == 0);
}

TEST_CASE_METHOD(Name, "A child holds on what its parent has taken, until it ends") {
  const support::Signpost held;
  support::Child parent([&] {
    const Interlock interlock(name);
    if (fork() == 0) {
      held.reach();
      usleep(100'000);
    }
    return 0;
  });
  REQUIRE(held.reached_within(10000));
  parent.wait();
  CHECK_NOTHROW(Interlock(name));  // waits
}

TEST_CASE_METHOD(Name, "Many who ask do not hide who holds it") {
  const Interlock first(name);
  for (int i = 0; i < 20; ++i) CHECK_THROWS(Interlock(name));
  CHECK_THROWS_WITH(Interlock(name), support::contains(std::to_string(getpid())));
}

TEST_CASE_METHOD(Name, "Another IPC namespace has its own") {
  const Interlock first(name);
  CHECK(in_child([&] {
          if (unshare(CLONE_NEWIPC) == -1) return 0;  // not root: nothing to see
          const Interlock second(name);
          return 0;
        }) == 0);
}

TEST_CASE_METHOD(Name, "A stranger who holds the name keeps no pool from starting") {
  if (support::lacks_root()) return;
  const support::Signpost held;
  const support::Signpost end;
  support::Child stranger([&] {
    if (setuid(65534) == -1) return 1;
    const Interlock interlock(name);
    held.reach();
    end.wait_for();
    return 0;
  });
  REQUIRE(held.reached_within(10000));
  CHECK_NOTHROW(Interlock(name));
  end.reach();
}

TEST_CASE_METHOD(Name, "The next image of a pool holds on what it has taken") {
  CHECK(in_child([&] {
          Interlock* const first = new Interlock(name);  // an exec ends no object's life
          os::Handover handover;
          first->hand_over(handover);
          setenv(os::Handover::variable, handover.text().c_str(), 1);
          auto inheritance = os::Inheritance::claim();
          const Interlock next(name, inheritance);
          return take_from_child(name) == 1 ? 0 : 1;
        }) == 0);
  CHECK(take_from_child(name) == 0);
}
