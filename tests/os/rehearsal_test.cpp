#include "os/rehearsal.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>

#include "support/catch.hpp"

TEST_CASE("A rehearsal changes nothing here, and leaves no child behind") {
  int acts = 0;
  os::rehearse([&] {
    ++acts;
    if (chdir("/proc") != 0) throw std::runtime_error("chdir");
  });
  CHECK(acts == 0);
  CHECK(access("meminfo", F_OK) == -1);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("What fails in a rehearsal fails here, in the same words") {
  const std::string words = "segment of key 0x0000051e: " + std::string(5000, 'x');
  CHECK_THROWS_WITH(os::rehearse([&] { throw std::runtime_error(words); }), words);
}

TEST_CASE("A rehearsal that is killed has failed") {
  CHECK_THROWS_WITH(os::rehearse([] { raise(SIGKILL); }), support::contains("signal 9"));
}
