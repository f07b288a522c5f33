#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <thread>

#include "os/descriptor.hpp"
#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/records.hpp"
#include "support/site.hpp"

using support::contents_of;
using support::Pool;

namespace {

struct Site : support::Scratch {
  support::Folder folder;

  // What a pool answers to a GET of that target, without nginx, which lets not every byte through.
  static std::string ask(const std::string& socket, const std::string& target) {
    const os::Descriptor connection = support::connection_to(socket);
    support::send(connection.get(), support::get_request(target));
    return support::answer_on(connection.get()).value_or("");
  }
  static std::string ask(const Pool& pool, const std::string& target = "/") {
    return ask(pool.socket(), target);
  }
};

int lines_of(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

// A second descriptor for what another process has at that number; -1 where that is forbidden.
os::Descriptor taken_from(pid_t pid, int fd) {
  const os::Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  return os::Descriptor(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
}

}  // namespace

TEST_CASE_METHOD(Site, "Logs renamed and opened anew under load lose no line and no request") {
  Pool pool(folder, key, 4,
            {"access.log=" + folder / "access.log", "error_log=" + folder / "error.log"});
  constexpr int each = 3000;
  const auto ask_often = [&] {
    int unanswered = 0;
    for (int i = 0; i < each; ++i) {
      unanswered += ask(pool).find("visits so far") == std::string::npos ? 1 : 0;
    }
    return unanswered == 0 ? 0 : 1;
  };
  std::array<support::Child, 3> load{support::Child(ask_often), support::Child(ask_often),
                                     support::Child(ask_often)};
  int turns = 0;
  while (!load.front().has_ended()) {
    const std::string old = "." + std::to_string(turns++);
    std::filesystem::rename(folder / "access.log", folder / ("access.log" + old));
    std::filesystem::rename(folder / "error.log", folder / ("error.log" + old));
    pool.master().signal(SIGUSR1);
    REQUIRE(support::eventually([&] { return std::filesystem::exists(folder / "access.log"); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  for (support::Child& client : load) CHECK(client.wait() == 0);
  CHECK(turns > 1);
  std::string access;
  std::string error;
  for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
    const std::string name = file.path().filename().string();
    if (name.starts_with("access.log")) access += contents_of(file.path().string());
    if (name.starts_with("error.log")) error += contents_of(file.path().string());
  }
  CHECK(lines_of(access) == 3 * each);
  CHECK(support::count_at(key) == 3 * each);
  CHECK_THAT(error, support::contains("error log file re-opened"));
}

TEST_CASE_METHOD(Site, "A full disk loses log lines and no request") {
  const Pool pool(folder, key, 2, {"access.log=/dev/full", "error_log=/dev/full"});
  for (int i = 1; i <= 5; ++i) {
    CHECK_THAT(ask(pool), support::contains(std::to_string(i) + " visits so far"));
  }
}

TEST_CASE_METHOD(Site, "When the disk has room again the log says how many lines it lost") {
  const std::string disk = folder / "disk";
  std::filesystem::create_directory(disk);
  if (support::lacks_root()) return;  // only root can make a small disk
  const std::string socket = folder / "visits.sock";
  const int result = support::in_child([&] {
    if (unshare(CLONE_NEWNS) == -1 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == -1 ||
        mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=16k") == -1) {
      return 77;
    }
    Pool pool(folder, key, 1, {"access.log=" + disk + "/access.log"});
    std::ofstream(disk + "/ballast") << std::string(20000, 'x');
    int answered = 0;
    for (int i = 0; i < 50; ++i) {
      answered += ask(pool).find("visits so far") != std::string::npos ? 1 : 0;
    }
    std::filesystem::remove(disk + "/ballast");
    ask(pool, "/last");
    if (answered != 50) return 1;
    if (contents_of(disk + "/access.log").find("GET /last") == std::string::npos) return 2;
    const std::regex said(R"(access\.log: \d+ lines were lost)");
    return std::regex_search(pool.log(), said) ? 0 : 3;
  });
  if (result == 77) return;  // no such mounts in this container
  CHECK(result == 0);
}

TEST_CASE_METHOD(Site, "A pool whose stderr nobody reads any more serves on") {
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  os::Descriptor reader(ends[0]);
  os::Descriptor writer(ends[1]);
  const std::string socket = folder / "visits.sock";
  support::Child master([&] {
    dup2(writer.get(), STDERR_FILENO);
    const std::string listen = "listen=" + socket;
    const std::string number = "visits.key=" + sysv::text_of(key);
    execl(VISITSD, VISITSD, "-F", "-d", listen.c_str(), "-d", number.c_str(), "-d",
          "pm.max_children=2", "-d", "access.log=/dev/stderr", nullptr);
    return 127;
  });
  REQUIRE(support::eventually([&] { return support::is_listening(socket); }));
  SECTION("gone") { reader.close(); }
  SECTION("full") {
    const std::string page(4096, 'x');
    fcntl(writer.get(), F_SETFL, O_NONBLOCK);
    while (write(writer.get(), page.data(), page.size()) > 0) {
    }
    fcntl(writer.get(), F_SETFL, 0);
  }
  for (int i = 1; i <= 20; ++i) {
    CHECK_THAT(ask(socket, "/"), support::contains(std::to_string(i) + " visits so far"));
  }
  for (const pid_t worker : support::children_of(master.pid())) kill(worker, SIGKILL);
  CHECK_THAT(ask(socket, "/"), support::contains("21 visits so far"));
  master.signal(SIGTERM);
  CHECK(master.wait() == 0);
}

TEST_CASE_METHOD(Site, "What a worker says into its stderr comes into the log") {
  const auto decorated = GENERATE(true, false);
  const Pool pool(folder, key, 1,
                  {"catch_workers_output=yes",
                   std::string("decorate_workers_output=") + (decorated ? "yes" : "no")});
  ask(pool);  // the worker is ready
  const os::Descriptor theirs = taken_from(pool.workers().front(), STDERR_FILENO);
  if (!theirs && support::lacks_root()) return;
  REQUIRE(theirs);
  REQUIRE(write(theirs.get(), "oh \"no\"\nand more\n", 17) == 17);
  const std::string child = std::to_string(getpid());  // who wrote it
  const std::string said =
      decorated ? "WARNING: [pool visits] child " + child + " said into stderr: \"oh \"no\"\"\n"
                : "WARNING: oh \"no\"\n";
  CHECK(support::eventually([&] { return pool.log().find(said) != std::string::npos; }));
}

TEST_CASE_METHOD(Site,
                 "A worker's stderr leads nowhere when it is not caught, and the log to the log") {
  const Pool pool(folder, key, 1, {"catch_workers_output=no", "access.log=/dev/stderr"});
  ask(pool, "/here");
  const std::string worker = std::to_string(pool.workers().front());
  CHECK(std::filesystem::read_symlink("/proc/" + worker + "/fd/2") == "/dev/null");
  CHECK_THAT(pool.log(), support::contains("GET /here"));
}

TEST_CASE_METHOD(Site, "Names with quotes, newlines and 8-bit bytes stay inside of their line") {
  const auto json = GENERATE(false, true);
  const Pool pool(folder, key, 1,
                  {"access.log=" + folder / "access.log",
                   std::string("access.format=") + (json ? "json" : "%m \"%r\" \"%q\"")});
  ask(pool, "/a\"b\n\xe4?\xc3\xa4\r");
  const std::string line = contents_of(folder / "access.log");
  CHECK(lines_of(line) == 1);
  CHECK_THAT(line, support::contains(json ? R"("uri":"/a\"b\n\\xe4","query":"ä\u000d")"
                                          : R"("/a\x22b\x0A\xE4" "\xC3\xA4\x0D")"));
}

TEST_CASE_METHOD(Site, "In JSON each line of the log is one object, from the first to the last") {
  support::Folder another;
  std::string log;
  {
    Pool pool(folder, key, 1, {"visits.log_format=json"});
    ask(pool);
    pool.master().signal(SIGTERM);
    pool.master().wait();
    log = pool.log();
  }
  std::size_t lines = 0;
  const std::regex object(
      R"re(\{"time":"[^"]*Z","severity":"[A-Z]+","pid":\d+,"message":".*"\})re");
  for (std::size_t at = 0; at < log.size(); at = log.find('\n', at) + 1, ++lines) {
    const std::string line = log.substr(at, log.find('\n', at) - at);
    CAPTURE(line);
    CHECK(std::regex_match(line, object));
  }
  CHECK(lines >= 2);
}
