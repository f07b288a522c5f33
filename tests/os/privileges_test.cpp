#include "os/privileges.hpp"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/lifeline.hpp"
#include "support/program.hpp"

using os::Confinement;
using os::Privileges;
using support::in_child;

namespace {

constexpr uid_t nobody = 65534;  // as everywhere
constexpr gid_t nogroup = 65534;

std::string status(const char* field) { return support::status_of(getpid(), field); }

// Whether all that holds for a child that has applied them.
bool holds_after(const Confinement& confinement, const std::function<bool()>& claim) {
  const Privileges privileges(confinement);
  return in_child([&] {
           privileges.apply();
           return claim() ? 0 : 1;
         }) == 0;
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "(unset)";
}

constexpr const char* no_capability = "0000000000000000";

}  // namespace

TEST_CASE("Under root a worker becomes its user and the user's group, without other groups") {
  if (support::lacks_root()) return;  // only root can become somebody else
  CHECK(in_child([] {
          const gid_t groups[] = {0, 4, 27};
          if (setgroups(3, groups) != 0) return 1;
          Privileges({.user = "nobody"}).apply();
          const bool changed = status("Uid") == "65534 65534 65534 65534" &&
                               status("Gid") == "65534 65534 65534 65534";
          return changed && status("Groups").empty() ? 0 : 2;
        }) == 0);
}

TEST_CASE("A group that is named wins over the user's own") {
  if (support::lacks_root()) return;  // only root can become somebody else
  CHECK(holds_after({.user = "nobody", .group = "daemon"},
                    [] { return getuid() == nobody && getegid() == getgrnam("daemon")->gr_gid; }));
}

TEST_CASE("Users and groups can be numbers, which need no entry") {
  if (support::lacks_root()) return;  // only root can become somebody else
  CHECK(holds_after({.user = "65534"}, [] { return getgid() == nogroup; }));
  CHECK(holds_after({.user = "4711", .group = "4712"},
                    [] { return getuid() == 4711 && getgid() == 4712; }));
  CHECK_THROWS_WITH(Privileges({.user = "4711"}), support::contains("set group too"));
}

TEST_CASE("By number, a user and a group are the same, and need no entry") {
  if (support::lacks_root()) return;  // only root can become somebody else
  const Confinement named{.user = "nobody", .group = "daemon", .priority = 3};
  const Confinement numbered = Privileges(named).by_number();
  CHECK(numbered.user == "65534");
  CHECK(numbered.group == std::to_string(getgrnam("daemon")->gr_gid));
  CHECK(numbered.priority == 3);
  CHECK(Privileges({.user = "nobody"}).by_number().group == "65534");
  CHECK_FALSE(Privileges({}).by_number().user);
}

TEST_CASE("By number, an environment still has the names of variables, and not their values") {
  CHECK(in_child([] {
          setenv("SECRET", "$HOME\n", 1);
          const Confinement configured{.environment = {{"COPY", "$SECRET"}, {"WORD", "x"}}};
          return Privileges(configured).by_number().environment == configured.environment ? 0 : 1;
        }) == 0);
}

TEST_CASE("A user or a group that does not exist is one sentence with its name") {
  CHECK_THROWS_WITH(Privileges({.user = "no-such-user"}),
                    "user = no-such-user: there is no such user, see getent passwd");
  CHECK_THROWS_WITH(Privileges({.user = "root", .group = "no-such-group"}),
                    "group = no-such-group: there is no such group, see getent group");
  CHECK_THROWS_WITH(Privileges({.user = "4294967295", .group = "0"}),  // -1: "leave as it is"
                    support::contains("no such user"));
}

TEST_CASE("Whoever the master is, a worker is left without capabilities and gets no new ones") {
  for (const Confinement& confinement : {Confinement{}, Confinement{.user = "nobody"}}) {
    CHECK(holds_after(confinement, [] {
      return status("CapInh") == no_capability && status("CapPrm") == no_capability &&
             status("CapEff") == no_capability && status("CapAmb") == no_capability &&
             status("NoNewPrivs") == "1";
    }));
  }
}

TEST_CASE("Under root a worker's bounding set is empty, also where it stays root") {
  if (support::lacks_root()) return;  // only root can empty it
  for (const Confinement& confinement : {Confinement{}, Confinement{.user = "nobody"}}) {
    CHECK(holds_after(confinement, [] { return status("CapBnd") == no_capability; }));
  }
}

TEST_CASE("Root cannot come back, not even where the kernel was told to keep its capabilities") {
  if (support::lacks_root()) return;  // only root can become somebody else
  CHECK(in_child([] {
          if (prctl(PR_SET_KEEPCAPS, 1) != 0) return 1;
          Privileges({.user = "nobody"}).apply();
          return setuid(0) == -1 && setgid(0) == -1 && setgroups(0, nullptr) == -1 ? 0 : 2;
        }) == 0);
}

TEST_CASE(
    "A master that is not root says what it ignores, and its workers still get no new power") {
  if (support::lacks_root()) return;  // only root can become somebody else
  CHECK(in_child([] {
          if (setgid(nogroup) != 0 || setuid(nobody) != 0) return 1;
          const Privileges privileges({.user = "root", .group = "root", .chroot = "/tmp"});
          if (privileges.notices().size() != 3) return 2;
          if (privileges.notices().front() !=
              "user = root: ignored, since visitsd was not started by root") {
            return 3;
          }
          privileges.apply();
          return getuid() == nobody && status("NoNewPrivs") == "1" ? 0 : 4;
        }) == 0);
}

TEST_CASE("The user that the master is already is no cause for a notice") {
  CHECK(Privileges({.user = std::to_string(geteuid()), .group = std::to_string(getegid())})
            .notices()
            .empty());
}

TEST_CASE("A worker enters its root folder, and in it the folder to be in") {
  if (support::lacks_root()) return;  // only root can change the root folder
  const support::Folder folder;
  folder.write("outer", "");
  REQUIRE(std::filesystem::create_directory(folder / "sub"));
  folder.write("sub/inner", "");
  const Confinement confinement{.chroot = folder.path().string(), .chdir = "/sub"};
  CHECK(holds_after(confinement, [] {
    return access("/outer", F_OK) == 0 && access("inner", F_OK) == 0 && access("/etc", F_OK) == -1;
  }));
  CHECK(holds_after({.chroot = folder.path().string()}, [] { return access("outer", F_OK) == 0; }));
}

TEST_CASE("A folder that is not there is an error with the directive's name") {
  const Privileges privileges({.chdir = "/no/such/folder"});
  CHECK_THROWS_WITH(privileges.apply(), "chdir = /no/such/folder: No such file or directory");
}

TEST_CASE("A worker gets its limits and its priority") {
  CHECK(holds_after({.priority = 7, .rlimit_files = 100, .rlimit_core = 0}, [] {
    rlimit files{};
    rlimit core{};
    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_CORE, &core);
    return files.rlim_cur == 100 && files.rlim_max == 100 && core.rlim_max == 0 &&
           getpriority(PRIO_PROCESS, 0) == 7;
  }));
}

TEST_CASE("A worker that changed its user is dumpable only when that is asked for") {
  if (support::lacks_root()) return;  // only root can become somebody else
  CHECK(holds_after({.user = "nobody"}, [] { return prctl(PR_GET_DUMPABLE) == 0; }));
  CHECK(holds_after({.user = "nobody", .dumpable = true},
                    [] { return prctl(PR_GET_DUMPABLE) == 1; }));
}

TEST_CASE("A worker's environment is what was set for it, and the time zone") {
  CHECK(in_child([] {
          setenv("SECRET", "s3cret", 1);
          setenv("TZ", "UTC-3", 1);
          Privileges({.environment = {{"GREETING", "hello"},
                                      {"COPY", "$SECRET"},
                                      {"NONE", "$NO_SUCH_VARIABLE"}}})
              .apply();
          return variable("SECRET") == "(unset)" && variable("GREETING") == "hello" &&
                         variable("COPY") == "s3cret" && variable("NONE").empty() &&
                         variable("TZ") == "UTC-3"
                     ? 0
                     : 1;
        }) == 0);
}

TEST_CASE("The master's environment stays where clear_env says no") {
  CHECK(in_child([] {
          setenv("SECRET", "s3cret", 1);
          Privileges({.clear_environment = false}).apply();
          return variable("SECRET") == "s3cret" ? 0 : 1;
        }) == 0);
}

TEST_CASE("A user's name and home are in its environment, unless they were set") {
  if (support::lacks_root()) return;  // only root can become somebody else
  CHECK(holds_after({.user = "daemon", .environment = {{"HOME", "/tmp"}}},
                    [] { return variable("USER") == "daemon" && variable("HOME") == "/tmp"; }));
}

TEST_CASE("A worker that changed its user still dies with its master") {
  if (support::lacks_root()) return;  // only root can become somebody else
  support::Lifeline lifeline;
  const support::Signpost changed;
  support::Child master([&] {
    const support::Child worker([&] {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      Privileges({.user = "nobody"}).apply();
      changed.reach();
      alarm(30);  // should it outlive its master after all
      pause();
      return 0;
    });
    pause();
    return 0;
  });
  changed.wait_for();
  master.signal(SIGKILL);
  master.wait();
  CHECK(lifeline.all_end());
}

TEST_CASE("Who had no signal for the death of its parent has none afterwards") {
  CHECK(holds_after({}, [] {
    int signal = -1;
    prctl(PR_GET_PDEATHSIG, &signal);
    return signal == 0;
  }));
}
