#include "os/process.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "support/catch.hpp"
#include "support/child.hpp"

TEST_CASE("A process is running until it ends, whether anybody waits for it or not") {
  const support::Signpost end;
  support::Child child([&] {
    end.wait_for();
    return 0;
  });
  CHECK(os::is_running(child.pid()));
  end.reach();
  siginfo_t info{};
  REQUIRE(waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT) == 0);
  CHECK_FALSE(os::is_running(child.pid()));
  child.wait();
  CHECK_FALSE(os::is_running(child.pid()));
  CHECK(os::is_running(getpid()));
  CHECK_FALSE(os::is_running(0));
}
