#include "os/pid_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <list>
#include <optional>
#include <string>

#include "os/retreat.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

using os::PidFile;
using std::filesystem::exists;
using support::contents_of;
using support::in_child;

namespace {

struct Place {
  support::Folder folder;
  std::string path = folder / "visits.pid";
  std::string me = std::to_string(getpid());

  // What a killed pool leaves.
  void leave_stale() const {
    in_child([this] {
      const PidFile killed(path);
      return raise(SIGKILL);
    });
  }
};

os::Inheritance inheritance_with_way_back(const std::string& path) {
  os::Handover handover;  // an exec ends no object's life
  (new PidFile(path))->hand_over(handover);
  (new os::Retreat("text"))->hand_over(handover);
  setenv(os::Handover::variable, handover.text().c_str(), 1);
  return os::Inheritance::claim();
}

}  // namespace

TEST_CASE_METHOD(Place, "A pid file is php-fpm's: the number alone, for everybody to read") {
  const mode_t before = umask(0077);
  const PidFile file(path);
  umask(before);
  CHECK(contents_of(path) == me);
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0644);
}

TEST_CASE_METHOD(Place, "A pid file that is held is refused, with its holder, and left as it is") {
  const PidFile file(path);
  CHECK_THROWS_WITH(PidFile(path), support::contains("held by process " + me));
  CHECK(contents_of(path) == me);
}

TEST_CASE_METHOD(Place, "A pid file whose holder was killed is taken over, whatever it says") {
  leave_stale();
  REQUIRE(exists(path));
  if (GENERATE(false, true)) folder.write("visits.pid", me + "\n");
  const PidFile file(path);
  CHECK(contents_of(path) == me);
}

// A worker holds its master's, until it has died, too.
TEST_CASE_METHOD(Place, "A pid file whose holder has died is waited for") {
  const support::Signpost held;
  support::Child orphan([&] {
    const PidFile file(path);
    const pid_t holder = getpid();
    if (fork() == 0) {
      while (getppid() == holder) usleep(1000);
      held.reach();
      usleep(100'000);
    }
    _exit(0);
    return 0;
  });
  REQUIRE(held.reached_within(10000));
  orphan.wait();
  const PidFile file(path);
  CHECK(contents_of(path) == me);
}

TEST_CASE_METHOD(Place, "A pid file is removed at the end, by the process that made it alone") {
  std::optional<PidFile> file(path);
  in_child([&] {
    file.reset();
    return 0;
  });
  CHECK(exists(path));
  file.reset();
  CHECK_FALSE(exists(path));
}

TEST_CASE_METHOD(Place, "A pid file that somebody else has put there since is left") {
  std::optional<PidFile> file(path);
  std::filesystem::remove(path);
  folder.write("visits.pid", "1");
  file.reset();
  CHECK(contents_of(path) == "1");
}

TEST_CASE_METHOD(Place, "A file that is no pid file is refused, and left as it is") {
  const std::string text = GENERATE("root:x:0:0", "12 34", "-1", "\n");
  folder.write("visits.pid", text);
  CHECK_THROWS_WITH(PidFile(path), support::contains("no pid file"));
  CHECK(contents_of(path) == text);
}

TEST_CASE_METHOD(Place, "A link is not followed to a pid file") {
  folder.write("target", "");
  std::filesystem::create_symlink(folder / "target", path);
  CHECK_THROWS_WITH(PidFile(path), support::contains("pid file " + path));
  CHECK(contents_of(folder / "target").empty());
}

TEST_CASE_METHOD(Place, "A pid file in a missing folder is refused with its name") {
  CHECK_THROWS_WITH(PidFile(folder / "missing/visits.pid"),
                    support::contains("missing/visits.pid"));
}

TEST_CASE_METHOD(Place, "Of twenty that start at once at a stale pid file, exactly one holds it") {
  leave_stale();
  const support::Signpost start;
  const support::Signpost finish;
  std::list<support::Child> starters;
  for (int i = 0; i < 20; ++i) {
    starters.emplace_back([&] {
      start.wait_for();
      try {
        const PidFile file(path);
        finish.wait_for();
        return 0;
      } catch (const std::exception&) {
        return 1;
      }
    });
  }
  for (int i = 0; i < 20; ++i) start.reach();
  const auto lost = [&] {
    int count = 0;
    for (support::Child& starter : starters) count += starter.has_ended() ? 1 : 0;
    return count;
  };
  CHECK(support::eventually([&] { return lost() == 19; }));
  CHECK(exists(path));
  for (int i = 0; i < 20; ++i) finish.reach();
  int refused = 0;
  for (support::Child& starter : starters) refused += starter.wait();
  CHECK(refused == 19);
  CHECK_FALSE(exists(path));
}

TEST_CASE_METHOD(Place, "The next image of a pool holds its pid file on") {
  CHECK(in_child([&] {
          PidFile* const file = new PidFile(path);  // an exec ends no object's life
          os::Handover handover;
          file->hand_over(handover);
          setenv(os::Handover::variable, handover.text().c_str(), 1);
          auto inheritance = os::Inheritance::claim();
          const PidFile next(path, inheritance);
          if (inheritance.take("pid file")) return 1;
          return in_child([&] {
            try {
              const PidFile other(path);
              return 2;
            } catch (const std::exception&) {
              return 0;
            }
          });
        }) == 0);
  CHECK_FALSE(exists(path));
}

TEST_CASE_METHOD(Place,
                 "The next image may have another pid file, or none; the old one is removed") {
  const bool another = GENERATE(true, false);
  CHECK(in_child([&] {
          PidFile* const file = new PidFile(path);
          os::Handover handover;
          file->hand_over(handover);
          setenv(os::Handover::variable, handover.text().c_str(), 1);
          auto inheritance = os::Inheritance::claim();
          if (!another) {
            PidFile::give_up(inheritance);
            return exists(path) ? 1 : 0;
          }
          const PidFile next(folder / "other.pid", inheritance);
          return exists(path) || !exists(folder / "other.pid") ? 2 : 0;
        }) == 0);
}

TEST_CASE_METHOD(Place, "As long as there is a way back, the pid file of before stays") {
  const bool another = GENERATE(true, false);
  CHECK(in_child([&] {
          os::Inheritance inheritance = inheritance_with_way_back(path);
          const std::string next = another ? folder / "other.pid" : path;
          { const PidFile failed(next, inheritance); }
          return exists(path) && !exists(folder / "other.pid") ? 0 : 1;
        }) == 0);
  std::filesystem::remove(path);
  CHECK(in_child([&] {
          os::Inheritance inheritance = inheritance_with_way_back(path);
          const PidFile next(another ? folder / "other.pid" : path, inheritance);
          if (!exists(path)) return 1;
          inheritance.settle();
          return exists(path) == !another ? 0 : 2;
        }) == 0);
  CHECK_FALSE(exists(path));
  CHECK_FALSE(exists(folder / "other.pid"));
}
