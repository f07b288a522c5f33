#include "prefork/front.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "os/log.hpp"
#include "os/process.hpp"
#include "os/signals.hpp"
#include "prefork/master.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"
#include "support/program.hpp"
#include "support/shared.hpp"

using namespace std::chrono_literals;
using prefork::Front;
using prefork::Master;
using prefork::Worker;
using support::eventually;

namespace {

struct Diary {
  std::atomic<int> workers{0};   // started
  std::atomic<int> finished{0};  // told to go
};

// A pool of one worker behind a shell script, which speaks to the test by files in a folder.
struct Site {
  support::Folder folder;
  support::Shared<Diary> diary;
  support::Signpost allowed;  // the worker waits for it before it is ready, where `slow` says so
  bool slow = false;
  std::chrono::milliseconds patience = 10s;
  prefork::Restarts restarts{{1ms, 1ms}};
  std::function<void(std::string_view)> say{};
  std::optional<support::Child> master{};

  // A script that says that it is up, goes on for ever, and does as told at a QUIT.
  std::string until_quit(const std::string& at_quit) const {
    return "trap '" + at_quit + "' QUIT; echo $$ >> up; while test -e up; do sleep 0.01; done";
  }

  int live(const std::string& script) const {
    if (chdir(folder.path().c_str()) == -1) return 99;
    os::configure_log({.file = folder / "log"});
    os::block_signals();
    std::optional<Front> front;
    Master pool({.max_children = 1}, {.serve = [this](Worker& worker) { work(worker); },
                                      .hold_stop = [&] { return front->stop(); },
                                      .ready = [&] { front->start(); },
                                      .pass_on = [&](int signal) { front->tell(signal); }});
    front.emplace(
        pool, Front::Settings{
                  .words = words(script), .patience = patience, .restarts = restarts, .say = say});
    return pool.run();
  }

  static support::Words words(const std::string& script) {
    if (script.empty()) return {"./no-such-command"};
    return {"sh", "-c", script};
  }

  void work(Worker& worker) const {
    ++diary->workers;
    if (slow) allowed.wait_for();
    worker.idle();
    support::turns_readable(worker.stop_fd());
    ++diary->finished;
  }

  void start(const std::string& script) {
    master.emplace([this, script] { return live(script); });
  }

  int stop() {
    master->signal(SIGTERM);
    return end();
  }
  int end() {
    return eventually([&] { return master->has_ended(); }) ? master->wait() : -1;
  }

  std::string text(const std::string& name) const { return support::contents_of(folder / name); }
  bool has(const std::string& name, const std::string& part = "\n") const {
    return eventually([&] { return text(name).find(part) != std::string::npos; });
  }
  pid_t front() const { return std::stoi("0" + text("up")); }
};

}  // namespace

TEST_CASE_METHOD(Site, "The front is started when the pool is ready, and not before") {
  slow = true;
  start(until_quit("exit"));
  REQUIRE(eventually([&] { return diary->workers == 1; }));
  usleep(50'000);  // time to do the wrong thing
  CHECK(text("up").empty());
  allowed.reach();
  CHECK(has("up"));
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Site, "A stop before the pool is ready starts no front, and waits for none") {
  slow = true;
  start(until_quit("exit"));
  REQUIRE(eventually([&] { return diary->workers == 1; }));
  master->signal(SIGTERM);
  allowed.reach();
  CHECK(end() == 0);
  CHECK(text("up").empty());
}

TEST_CASE_METHOD(Site, "The workers serve on until the front has finished, whatever the stop") {
  const int signal = GENERATE(SIGTERM, SIGINT, SIGQUIT);
  start(until_quit("echo > quit; while ! test -e go; do sleep 0.01; done; exit"));
  REQUIRE(has("up"));
  master->signal(signal);
  REQUIRE(has("quit"));
  usleep(50'000);
  CHECK(diary->finished == 0);
  const auto children = support::children_of(master->pid());
  for (const pid_t child : children) {
    if (child != front()) kill(child, SIGKILL);  // the worker: it is replaced even now
  }
  CHECK(eventually([&] { return diary->workers == 2; }));
  folder.write("go", "");
  CHECK(end() == 0);
  CHECK(diary->finished == 1);
}

TEST_CASE_METHOD(Site, "A front that does not finish in time is ended by force, children and all") {
  patience = 50ms;
  start(
      "trap : QUIT; (trap : QUIT; sh -c \"echo \\$PPID\" > child; while test -e child; do sleep "
      "0.1; done) & " +
      until_quit(":"));
  REQUIRE(has("child"));
  REQUIRE(has("up"));
  CHECK(stop() == 0);
  CHECK(diary->finished == 1);
  CHECK_THAT(text("log"), support::contains("ended by force"));
  CHECK(eventually([&] { return !os::is_running(std::stoi(text("child"))); }));
}

TEST_CASE_METHOD(Site, "A front that ends is started again in place, and what it left is told") {
  folder.write(
      "child.sh",
      "trap 'echo > told; exit' QUIT; echo > child; while test -e child; do sleep 0.01; done");
  start("env --default-signal=QUIT sh child.sh & " + until_quit("exit"));
  REQUIRE(has("child"));
  REQUIRE(has("up"));
  const pid_t first = front();
  kill(first, SIGKILL);
  CHECK(has("told"));
  CHECK(eventually([&] { return text("up").find('\n') + 1 < text("up").size(); }));
  CHECK(diary->workers == 1);
  CHECK(stop() == 0);
  CHECK_THAT(text("log"), support::contains("the front ended on signal 9 (Killed), again in 1 ms"));
}

TEST_CASE_METHOD(Site, "What a front left and does not go is ended by force before the pool has") {
  start(
      "(trap : QUIT; sh -c \"echo \\$PPID\" > child; while test -e child; do sleep 0.1; done) & " +
      until_quit("exit"));
  REQUIRE(has("child"));
  REQUIRE(has("up"));
  CHECK(stop() == 0);
  CHECK(eventually([&] { return !os::is_running(std::stoi(text("child"))); }));
}

TEST_CASE_METHOD(Site,
                 "A front that does not stay ends the pool, which says so and exits with 70") {
  start("echo >> runs");
  CHECK(end() == Front::exit_spent);
  CHECK(text("runs") == "\n\n\n");
  CHECK(diary->finished == 1);
  CHECK_THAT(text("log"), support::contains("once more than 2 times within a minute"));
}

TEST_CASE_METHOD(Site, "A front that says that it is told nonsense is not asked again: exit 78") {
  start("echo >> runs; exit 78");
  CHECK(end() == Front::exit_config);
  CHECK(text("runs") == "\n");
  CHECK(diary->finished == 1);
}

TEST_CASE_METHOD(Site, "A front that there is not is an error with a reason: exit 78") {
  start("");
  CHECK(end() == Front::exit_config);
  CHECK_THAT(text("log"),
             support::contains("cannot run ./no-such-command: No such file or directory"));
}

TEST_CASE_METHOD(Site, "USR1 and HUP reach the front, too, and USR2 does not") {
  start("trap 'echo >> usr1' USR1; trap 'echo >> hup' HUP; trap 'echo >> usr2' USR2; " +
        until_quit("exit"));
  REQUIRE(has("up"));
  master->signal(SIGUSR2);
  master->signal(SIGUSR1);
  CHECK(has("usr1"));
  master->signal(SIGHUP);
  CHECK(has("hup"));
  CHECK(stop() == 0);
  CHECK(text("usr2").empty());
}

TEST_CASE_METHOD(Site, "The front has no blocked or ignored signal, and no descriptor but 0 to 2") {
  const int leak = open("/dev/null", O_RDONLY);  // not closed on exec, as of a careless parent
  signal(SIGPIPE, SIG_IGN);
  start("grep -E 'Sig(Blk|Ign)' /proc/self/status > signals; echo /proc/self/fd/* > open; " +
        until_quit("exit"));
  signal(SIGPIPE, SIG_DFL);
  close(leak);
  REQUIRE(has("up"));
  CHECK(text("signals") == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  CHECK_THAT(text("open"), support::contains("/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2"));
  CHECK_THAT(text("open"), !support::contains("/fd/" + std::to_string(leak)));
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Site, "Should the master be killed, the front is told with a TERM") {
  start("trap 'echo > term; exit' TERM; " + until_quit("exit"));
  REQUIRE(has("up"));
  master->signal(SIGKILL);
  CHECK(has("term"));
  CHECK(eventually([&] { return !os::is_running(front()); }));
}

TEST_CASE_METHOD(Site, "Strangers that come to the master are reaped, as process 1 has to") {
  master.emplace([this] {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return live("(sh -c \"echo \\$PPID\" > orphan &) ; " + until_quit("exit"));
  });
  REQUIRE(has("up"));
  REQUIRE(has("orphan"));
  CHECK(eventually([&] { return support::children_of(master->pid()).size() == 2; }));
  CHECK(stop() == 0);
}

TEST_CASE_METHOD(Site, "What the front writes to stdout goes to the pool's stderr as it is") {
  master.emplace([this] {
    const int error_fd = open((folder / "stderr").c_str(), O_WRONLY | O_CREAT, 0600);
    if (dup2(error_fd, STDERR_FILENO) == -1) return 98;
    say = [](std::string_view) { std::abort(); };
    return live("echo '{\"any\": \"log\"}'; " + until_quit("exit"));
  });
  REQUIRE(has("up"));
  CHECK(stop() == 0);
  CHECK(text("stderr") == "{\"any\": \"log\"}\n");
}

TEST_CASE_METHOD(Site,
                 "What the front writes to stderr is said line by line, where that is wanted") {
  say = [](std::string_view line) { os::log(os::Level::warning, "<" + std::string(line) + ">"); };
  start(
      "echo one >&2; printf two >&2; echo ' and a half' >&2; printf '%3000s\n' x >&2; "
      "trap 'echo last words >&2; exit' QUIT; echo > up; while test -e up; do sleep 0.01; done");
  REQUIRE(has("up"));
  CHECK(has("log", "<one>"));
  CHECK(has("log", "<two and a half>"));
  CHECK(has("log", " x>"));
  CHECK(stop() == 0);
  CHECK_THAT(text("log"), support::contains("<last words>"));
}
