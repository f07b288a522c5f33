#include "prefork/upgrade.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <optional>
#include <string>

#include "os/log.hpp"
#include "os/signals.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"
#include "support/shared.hpp"

using prefork::Master;
using prefork::Upgrade;
using prefork::Worker;
using support::eventually;

namespace {

struct Diary {
  std::atomic<int> workers{0};
  std::atomic<int> begun{0};
  std::atomic<int> refused{0};
};

// A pool whose next image is a shell script. It writes down what it is given, for the test.
struct Pool {
  support::Folder folder;
  support::Shared<Diary> diary;
  std::string program = folder / "program";
  std::optional<std::string> configuration{};
  std::optional<support::Child> master{};

  void install(const std::string& script) const {
    folder.write("program.new", "#!/bin/sh\n" + script + "\n");
    chmod((folder / "program.new").c_str(), 0755);
    rename((folder / "program.new").c_str(), program.c_str());
  }

  // As an image does that can take over; exec'd, it only writes down that it was.
  std::string good(const std::string& name) const {
    return "if test \"$1\" = -t; then echo \"$*\" > " + folder / name +
           ".check; echo \"$VISITS_CHECK\" >> " + folder / name + ".check; echo '" +
           os::Handover::acceptance + "'; else echo \"$$ $*\" > " + folder / name +
           ".run; echo \"$VISITS_HANDOVER\" >> " + folder / name + ".run; fi";
  }

  int live() const {
    os::block_signals();
    std::optional<Upgrade> upgrade;
    Master pool({.max_children = 1}, {.serve =
                                          [this](Worker& worker) {
                                            ++diary->workers;
                                            worker.idle();
                                            support::turns_readable(worker.stop_fd());
                                          },
                                      .reload = [&] { upgrade->request(); }});
    upgrade.emplace(pool, Upgrade::Image{{program, "-F", "a word"}, configuration},
                    Upgrade::Hooks{
                        .hand_over = [](os::Handover& given) { given.give("log", STDERR_FILENO); },
                        .begun = [this] { ++diary->begun; },
                        .refused = [this](const std::string&) { ++diary->refused; },
                    },
                    os::Inheritance());
    return pool.run();
  }

  void start() {
    master.emplace([this] { return live(); });
    REQUIRE(eventually([this] { return diary->workers == 1; }));
  }

  bool refuses() const {
    const int before = diary->refused;
    master->signal(SIGUSR2);
    return eventually([&] { return diary->refused == before + 1; });
  }

  std::string text(const std::string& name) const { return support::contents_of(folder / name); }
};

}  // namespace

TEST_CASE_METHOD(Pool, "A program that can take over is asked, and then runs in the same process") {
  install(good("next"));
  start();
  master->signal(SIGUSR2);
  CHECK(master->wait() == 0);  // the script's
  CHECK_THAT(text("next.check"), support::contains("-t -F a word\n1;process="));
  CHECK_THAT(text("next.run"),
             support::contains(std::to_string(master->pid()) +
                               " -F a word\n1;process=" + std::to_string(master->pid())) &&
                 support::contains(",log,") && support::contains(";child="));
  CHECK(diary->begun == 1);
  CHECK(diary->refused == 0);
}

TEST_CASE_METHOD(Pool,
                 "A program that is run finds a way back, if there is one, and not on trial") {
  const bool is_there = GENERATE(true, false);
  if (is_there) configuration = "[www]\n";
  install(good("next"));
  start();
  master->signal(SIGUSR2);
  CHECK(master->wait() == 0);  // the script's
  CHECK_THAT(text("next.check"), !support::contains("before"));
  const bool goes_along = text("next.run").find(",image%20before,") != std::string::npos;
  const bool is_told = text("next.run").find(",configuration%20before,") != std::string::npos;
  CHECK(goes_along == is_there);
  CHECK(is_told == is_there);
}

TEST_CASE_METHOD(Pool, "A program that cannot take over is not run, and the pool goes on") {
  install("exit 78");
  start();
  CHECK(refuses());
  install("exit 0");  // it does not say that it can
  CHECK(refuses());
  install(good("next") + "; exit 1");  // it says so, and fails
  CHECK(refuses());
  unlink(program.c_str());
  CHECK(refuses());
  master->signal(SIGTERM);
  CHECK(master->wait() == 0);
  CHECK(diary->workers == 1);
  CHECK(diary->begun == 4);
}

TEST_CASE_METHOD(Pool, "A request during a trial is remembered, and what it saw is tried again") {
  const std::string gate = folder / "gate";
  install("test -e " + gate + ".1 && exit 78; touch " + gate + ".1; while ! test -e " + gate +
          ".2; do sleep 0.01; done; " + good("old"));
  start();
  master->signal(SIGUSR2);
  REQUIRE(eventually([&] { return access((gate + ".1").c_str(), F_OK) == 0; }));
  for (int i = 0; i < 3; ++i) {
    master->signal(SIGHUP);
    usleep(20'000);
  }
  folder.write("gate.2", "");
  CHECK(eventually([this] { return diary->refused == 1; }));  // the second trial's
  CHECK(text("old.run").empty());
  CHECK(diary->begun == 2);
  master->signal(SIGTERM);
  CHECK(master->wait() == 0);
}

TEST_CASE_METHOD(Pool, "A stop during a trial is a stop") {
  install("sleep 1000");
  start();
  master->signal(SIGUSR2);
  REQUIRE(eventually([this] { return diary->begun == 1; }));
  master->signal(SIGTERM);
  CHECK(eventually([this] { return master->has_ended(); }));
  CHECK(master->wait() == 0);
}
