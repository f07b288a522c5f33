#include "os/process.hpp"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

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

TEST_CASE("A program is found where it was started, and a link on the way stays a link") {
  const support::Folder folder;
  const std::string program = folder.write("program", "#!/bin/sh\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  std::filesystem::create_directory_symlink(folder.path(), folder / "current");
  CHECK(os::program_path(folder / "current/program") == folder / "current/program");
  CHECK(support::in_child([&] {
          setenv("PATH", ("/no/such:" + folder / "current").c_str(), 1);
          if (os::program_path("program") != folder / "current/program") return 1;
          std::filesystem::current_path(folder.path());
          return os::program_path("./program") == folder / "./program" ? 0 : 2;
        }) == 0);
  CHECK(os::program_path("no-such-program") == std::filesystem::read_symlink("/proc/self/exe"));
}

TEST_CASE("A process becomes a batch one, but not when it is something else on purpose") {
  const auto becomes = [](int policy) {
    return support::in_child([policy] {
      const sched_param parameters{};
      sched_setscheduler(0, policy, &parameters);
      os::be_batch();
      return sched_getscheduler(0);
    });
  };
  CHECK(becomes(SCHED_OTHER) == SCHED_BATCH);
  CHECK(becomes(SCHED_IDLE) == SCHED_IDLE);
}

TEST_CASE("How a process ended is said in words") {
  const auto end_of = [](const std::function<int()>& body) {
    const pid_t pid = fork();
    if (pid == 0) _exit(body());
    int status = 0;
    waitpid(pid, &status, 0);
    return os::ending_of(status);
  };
  CHECK(end_of([] { return 0; }) == "exited with code 0");
  CHECK(end_of([] { return 78; }) == "exited with code 78");
  CHECK(end_of([] { return raise(SIGKILL); }) == "ended on signal 9 (Killed)");
}
