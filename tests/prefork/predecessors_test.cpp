#include "prefork/predecessors.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"

using namespace std::chrono_literals;
using prefork::Predecessors;

namespace {

int live_until_told() {
  for (;;) pause();
}

const Predecessors::Time now = std::chrono::steady_clock::now();

}  // namespace

TEST_CASE("Who has ended by then, or is no child, is no predecessor") {
  support::Child alive(live_until_told);
  const support::Child ended([] { return 0; });
  siginfo_t info{};
  REQUIRE(waitid(P_PID, static_cast<id_t>(ended.pid()), &info, WEXITED | WNOWAIT) == 0);
  Predecessors predecessors({alive.pid(), ended.pid(), getppid()});
  predecessors.meet();
  CHECK(predecessors.all() == std::vector<pid_t>{alive.pid()});
  CHECK(predecessors.left(alive.pid()));
  CHECK_FALSE(predecessors.left(alive.pid()));
  CHECK(predecessors.empty());
}

TEST_CASE("Predecessors are asked to retire when they are dismissed, and no sooner") {
  support::Child child(live_until_told);
  Predecessors predecessors({child.pid()});
  predecessors.enforce(now + 1h);
  CHECK_FALSE(predecessors.deadline());
  CHECK_FALSE(child.has_ended());
  predecessors.dismiss(now + 1h);
  CHECK(predecessors.deadline() == now + 1h);
  CHECK(child.wait() == 128 + SIGQUIT);
}

TEST_CASE("Predecessors that stay beyond their deadline are ended by force, once") {
  const support::Signpost deaf;
  support::Child child([&] {
    signal(SIGQUIT, SIG_IGN);
    deaf.reach();
    return live_until_told();
  });
  REQUIRE(deaf.reached_within(10000));
  Predecessors predecessors({child.pid()});
  predecessors.dismiss(now + 1h);
  predecessors.enforce(now + 59min);
  CHECK(predecessors.deadline());
  CHECK_FALSE(child.has_ended());
  predecessors.enforce(now + 1h);
  CHECK(child.wait() == 128 + SIGKILL);
  CHECK_FALSE(predecessors.deadline());
}

TEST_CASE("Where there are no predecessors there is no deadline") {
  Predecessors predecessors({});
  predecessors.dismiss(now);
  CHECK_FALSE(predecessors.deadline());
}
