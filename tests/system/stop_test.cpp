#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <list>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/connection.hpp"
#include "support/lifeline.hpp"
#include "support/site.hpp"

using namespace std::chrono_literals;
using std::filesystem::exists;
using support::Words;

namespace {

constexpr int config = 78;

struct Site : support::Scratch {
  support::Folder folder;
  std::string socket = folder / "visits.sock";
  std::string pid_file = folder / "visits.pid";

  // Later directives win.
  Words words(const Words& directives = {}) const {
    Words words = {VISITSD, "-F"};
    for (const std::string& directive :
         {"listen=" + socket, "pid=" + pid_file, "visits.key=" + sysv::text_of(key),
          std::string("pm=static"), std::string("pm.max_children=3")}) {
      words.insert(words.end(), {"-d", directive});
    }
    for (const std::string& directive : directives) words.insert(words.end(), {"-d", directive});
    return words;
  }

  bool serves() const { return support::connection_to(socket).get() != -1; }

  bool starts(const support::Program& pool) const {
    return support::eventually(
        [&] { return serves() && support::children_of(pool.pid()).size() >= 3; });
  }

  bool left_nothing() const { return !exists(socket) && !exists(pid_file); }
};

}  // namespace

TEST_CASE_METHOD(Site, "Every way out leaves no process, no socket and no pid file") {
  const int signal = GENERATE(SIGTERM, SIGINT, SIGQUIT);
  support::Lifeline lifeline;
  support::Program pool(words(), folder / "log");
  REQUIRE(starts(pool));
  CHECK(support::contents_of(pid_file) == std::to_string(pool.pid()));
  pool.signal(signal);
  CHECK(pool.wait() == 0);
  CHECK(left_nothing());
  CHECK(lifeline.all_end());
}

TEST_CASE_METHOD(Site, "A start that fails leaves no process, no socket and no pid file") {
  support::Lifeline lifeline;
  CHECK(support::run(words({"listen.group=no-such-group"})).code == config);
  CHECK(left_nothing());
  CHECK(lifeline.all_end());
}

TEST_CASE_METHOD(Site,
                 "After kill -9 of the master its workers go, and a new start works at once") {
  for (int round = 0; round < 5; ++round) {
    support::Lifeline lifeline;
    support::Program killed(words(), folder / "log");
    REQUIRE(starts(killed));
    killed.signal(SIGKILL);
    killed.wait();
    support::Program next(words(), folder / "log");
    CHECK(starts(next));
    CHECK(support::contents_of(pid_file) == std::to_string(next.pid()));
    next.signal(SIGTERM);
    CHECK(next.wait() == 0);
    CHECK(lifeline.all_end());
  }
}

// A request in flight does not hold up its worker's death either.
TEST_CASE_METHOD(Site, "After kill -9 of the master a busy worker goes within two seconds") {
  Words sleeper = words();
  sleeper.front() = SLEEPER;
  support::Program pool(sleeper, folder / "log");
  REQUIRE(starts(pool));
  const support::Nginx nginx(folder);
  std::jthread visitor([&] { support::get(nginx.url("/sleep/8000")); });
  std::this_thread::sleep_for(200ms);
  const std::vector<pid_t> workers = support::children_of(pool.pid());
  const auto start = std::chrono::steady_clock::now();
  pool.signal(SIGKILL);
  pool.wait();
  CHECK(support::eventually([&] {
    return std::all_of(workers.begin(), workers.end(),
                       [](pid_t worker) { return kill(worker, 0) == -1; });
  }));
  CHECK(std::chrono::steady_clock::now() - start < 2s);
}

TEST_CASE_METHOD(Site,
                 "A second pool on one socket, pid file or key is refused, and harms nobody") {
  const support::ScratchKey other_key;
  const std::string other_socket = "listen=" + folder / "other.sock";
  const std::string other_pid_file = "pid=" + folder / "other.pid";
  const std::string other = "visits.key=" + sysv::text_of(other_key.get());
  support::Program first(words(), folder / "log");
  REQUIRE(starts(first));
  const auto start = std::chrono::steady_clock::now();
  SECTION("socket") {
    const support::Result second = support::run(words({other_pid_file, other}));
    CHECK(second.code == config);
    CHECK_THAT(second.text, support::contains("another process listens there"));
  }
  SECTION("pid file") {
    const support::Result second = support::run(words({other_socket, other}));
    CHECK(second.code == config);
    CHECK_THAT(second.text, support::contains("held by process " + std::to_string(first.pid())));
  }
  SECTION("key") {
    const support::Result second = support::run(words({other_socket, other_pid_file}));
    CHECK(second.code == config);
    CHECK_THAT(second.text, support::contains("key " + sysv::text_of(key)) &&
                                support::contains("process " + std::to_string(first.pid())));
  }
  CHECK(std::chrono::steady_clock::now() - start < 5s);  // one, where nothing else runs
  CHECK_FALSE(exists(folder / "other.sock"));
  CHECK_FALSE(exists(folder / "other.pid"));
  CHECK(serves());
  CHECK(support::contents_of(pid_file) == std::to_string(first.pid()));
}

TEST_CASE_METHOD(Site, "Of twenty pools that start at once exactly one serves") {
  support::Lifeline lifeline;
  std::list<support::Program> pools;
  for (int i = 0; i < 20; ++i) pools.emplace_back(words(), folder / ("log" + std::to_string(i)));
  const auto is_over = [](support::Program& pool) { return pool.has_ended(); };
  CHECK(support::eventually(
      [&] { return std::count_if(pools.begin(), pools.end(), is_over) == 19; }));
  CHECK(serves());
  for (support::Program& pool : pools) {
    if (pool.has_ended()) {
      CHECK(pool.wait() == config);
    } else {
      CHECK(support::contents_of(pid_file) == std::to_string(pool.pid()));
      pool.signal(SIGTERM);
      CHECK(pool.wait() == 0);
    }
  }
  CHECK(left_nothing());
  CHECK(lifeline.all_end());
}

TEST_CASE_METHOD(Site,
                 "A request that takes longer than a stop waits is cut off, and all else ends") {
  Words sleeper = words({"process_control_timeout=300ms"});
  sleeper.front() = SLEEPER;
  std::optional<support::Program> pool(std::in_place, sleeper, folder / "log");
  REQUIRE(starts(*pool));
  const support::Nginx nginx(folder);
  std::jthread visitor([&] { support::get(nginx.url("/sleep/8000")); });
  std::this_thread::sleep_for(200ms);
  const std::vector<pid_t> processes = support::children_of(pool->pid());
  const auto start = std::chrono::steady_clock::now();
  pool->signal(SIGTERM);
  CHECK(pool->wait() == 0);
  CHECK(std::chrono::steady_clock::now() - start < 3s);
  CHECK(std::all_of(processes.begin(), processes.end(),
                    [](pid_t process) { return kill(process, 0) == -1; }));
  CHECK(left_nothing());
}
