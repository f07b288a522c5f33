#include "os/trial.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>

#include "os/signals.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/lifeline.hpp"
#include "support/program.hpp"

using namespace std::chrono_literals;
using os::Trial;

namespace {

Trial::Case shell(const std::string& script) {
  return {.program = "/bin/sh", .words = {"sh", "-c", script}};
}

Trial::Result result_of(const Trial::Case& tried) {
  const Trial trial(tried);
  REQUIRE(support::turns_readable(trial.fd()));
  const Trial::Result result = trial.result();
  waitpid(-1, nullptr, 0);  // the clerk
  return result;
}

}  // namespace

TEST_CASE("A trial tells the code of the program's end, and what it wrote last") {
  const Trial::Result result = result_of(shell("echo one; echo two >&2; echo; exit 78"));
  CHECK(result.code == 78);
  CHECK(result.output == "one\ntwo\n\n");
  CHECK(result.last_line() == "two");
  CHECK(result_of(shell("exit 0")).code == 0);
  CHECK(result_of(shell("exit 3")).last_line() == "exit code 3");
  CHECK(result_of(shell("kill -9 $$")).code == 128 + SIGKILL);
}

TEST_CASE("A program that is not there, or is none, has failed its trial") {
  const Trial::Result result = result_of({.program = "/no/such/program", .words = {"program"}});
  CHECK(result.code == 127);
  CHECK(result.last_line() == "cannot run /no/such/program: No such file or directory");
  CHECK(result_of({.program = "/dev/null", .words = {"null"}}).code == 127);
}

TEST_CASE("Of much output the end is told") {
  const Trial::Result result = result_of(shell("yes | head -c 1000000; echo; echo done"));
  CHECK(result.code == 0);
  CHECK(result.output.size() <= 2000);
  CHECK(result.last_line() == "done");
}

TEST_CASE("A program that does not end in time has failed, and is gone") {
  support::Lifeline lifeline;
  Trial::Case slow = shell("exec sleep 1000");
  slow.limit = 100ms;
  const Trial::Result result = result_of(slow);
  CHECK(result.code == 124);
  CHECK(result.last_line() == "it did not end within 100 ms");
  CHECK(lifeline.all_end());
}

TEST_CASE("A program that closes its output, or leaves it to another, is waited for all the same") {
  CHECK(result_of(shell("exec >&- 2>&-; sleep 0.1; exit 5")).code == 5);
  CHECK(result_of(shell("sleep 3 & exit 6")).code == 6);
}

TEST_CASE("On trial no signal is blocked, and descriptors and variables are those of an exec") {
  CHECK(support::in_child([] {
          os::block_signals();
          const int ours = open("/dev/null", O_RDONLY | O_CLOEXEC);
          const int inherited = open("/dev/null", O_RDONLY);
          Trial::Case tried = shell("test \"$NAME\" = value || exit 1; test -e /proc/self/fd/" +
                                    std::to_string(ours) + " && exit 2; test -e /proc/self/fd/" +
                                    std::to_string(inherited) + " || exit 3; kill -TERM $$");
          tried.variable = "NAME=value";
          const Trial trial(tried);
          if (!support::turns_readable(trial.fd())) return 4;
          const int code = trial.result().code;
          return code == 128 + SIGTERM ? 0 : code;
        }) == 0);
}

TEST_CASE("A trial that nobody waits for any more ends") {
  support::Lifeline lifeline;
  SECTION("because it is let go of") {
    std::optional<Trial> trial(shell("exec sleep 1000"));
    trial.reset();
    CHECK(lifeline.all_end());
    waitpid(-1, nullptr, 0);
  }
  SECTION("because that process is killed") {
    support::in_child([] {
      const Trial trial(shell("exec sleep 1000"));
      return raise(SIGKILL);
    });
    CHECK(lifeline.all_end());
  }
}

TEST_CASE("A clerk that is killed is a trial that failed") {
  const Trial trial(shell("exec sleep 1000"));
  REQUIRE(support::eventually([] { return !support::children_of(getpid()).empty(); }));
  kill(support::children_of(getpid()).front(), SIGKILL);
  REQUIRE(support::turns_readable(trial.fd()));
  CHECK(trial.result().code != 0);
  waitpid(-1, nullptr, 0);
}
