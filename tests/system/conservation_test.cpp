#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/site.hpp"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using support::Client;
using support::Nginx;
using support::Pool;

namespace {

struct Tally {
  std::atomic<std::int64_t> sent{0};          // S
  std::atomic<std::int64_t> acknowledged{0};  // A
};

constexpr int concurrency = 16;

// Sixteen visitors, each with one request at a time, for as long as `more` says so.
void visit(const std::string& url, Client::Connection connection, Tally& tally,
           const std::function<bool()>& more) {
  std::vector<std::thread> visitors;
  for (int i = 0; i < concurrency; ++i) {
    visitors.emplace_back([&] {
      Client client(connection);
      while (more()) {
        ++tally.sent;
        if (client.get(url).status == 200) ++tally.acknowledged;
      }
    });
  }
  for (std::thread& visitor : visitors) visitor.join();
}

struct Kills {
  int number = 0;
  int not_replaced = 0;  // times that the pool was not at full size within a second
};

// Whether the pool is at full size, without that worker, within a second: a thousand looks, so that
// a machine on which nothing gets on gives the pool more.
bool is_replaced(const Pool& pool, pid_t victim, std::size_t size) {
  for (int look = 0; look < 1000; ++look) {
    const std::vector<pid_t> workers = pool.workers();
    if (workers.size() == size && std::count(workers.begin(), workers.end(), victim) == 0) {
      return true;
    }
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

// kill -9 for a random worker every 100 ms, for ten seconds.
Kills kill_workers(const Pool& pool, std::size_t size) {
  std::mt19937 random(1);
  Kills kills;
  const auto end = Clock::now() + 10s;
  for (auto next = Clock::now(); next < end; next += 100ms) {
    std::this_thread::sleep_until(next);
    const std::vector<pid_t> workers = pool.workers();
    const pid_t victim = workers.empty() ? 0 : workers[random() % workers.size()];
    if (victim != 0) kill(victim, SIGKILL);
    ++kills.number;
    if (!is_replaced(pool, victim, size)) ++kills.not_replaced;
  }
  return kills;
}

struct Site : support::Scratch {
  support::Folder folder;

  void check_without_kills(Client::Connection connection) const {
    const Pool pool(folder, key, 4);
    const Nginx nginx(folder);
    constexpr std::int64_t requests = 20000;
    Tally tally;
    std::atomic<std::int64_t> tickets{requests};
    visit(nginx.url(), connection, tally, [&] { return tickets-- > 0; });
    CHECK(tally.sent == requests);
    CHECK(tally.acknowledged == requests);
    CHECK(support::count_at(key) == requests);
  }

  // `others` ends who else counts meanwhile, and gives the number of their visits.
  void check_with_kills(const Pool& pool, const std::string& url,
                        const std::function<std::int64_t()>& others) const {
    Tally tally;
    std::atomic<bool> killing{true};
    std::jthread load(
        [&] { visit(url, Client::Connection::kept, tally, [&] { return killing.load(); }); });
    const Kills kills = kill_workers(pool, 4);
    killing = false;
    load.join();
    const std::int64_t visits_of_others = others();
    const std::int64_t counted = support::count_at(key) - visits_of_others;
    WARN("sent " << tally.sent << ", acknowledged " << tally.acknowledged << ", counted " << counted
                 << ", kills " << kills.number);
    CHECK(kills.number > 50);  // 100 where the machine keeps up
    CHECK(kills.not_replaced == 0);
    CHECK(tally.acknowledged > 1000);
    CHECK(tally.acknowledged <= counted);
    CHECK(counted <= tally.sent);
    CHECK(counted - tally.acknowledged <= kills.number);
  }
};

}  // namespace

TEST_CASE_METHOD(Site, "20000 requests on kept connections: sent, acknowledged and counted agree") {
  check_without_kills(Client::Connection::kept);
}

TEST_CASE_METHOD(Site,
                 "20000 requests on a connection each: sent, acknowledged and counted agree") {
  check_without_kills(Client::Connection::closed_each_time);
}

TEST_CASE_METHOD(Site, "A worker killed every 100 ms: acknowledged ≤ counted ≤ sent") {
  const Pool pool(folder, key, 4);
  const Nginx nginx(folder);
  check_with_kills(pool, nginx.url(), [] { return 0; });
}

TEST_CASE_METHOD(Site,
                 "The same with a segment that PHP made, and PHP counting in it all the time") {
  const std::string number = std::to_string(static_cast<int>(key));
  support::php("$id = shm_attach(" + number +
               "); shm_put_var($id, 0, 0); shm_put_var($id, 1, 'one');");
  const Pool pool(folder, key, 4);
  const Nginx nginx(folder);
  const std::string stop = folder / "stop";
  // Counts in variable 0 as the tutorial does, and says at its end how often.
  support::Program php({"php", "-r",
                        "for ($n = 0; !file_exists('" + stop +
                            "'); ++$n) { clearstatcache();"
                            "$s = sem_get(" +
                            number + "); sem_acquire($s); $id = shm_attach(" + number +
                            ");"
                            "shm_put_var($id, 0, shm_get_var($id, 0) + 1); shm_detach($id);"
                            "sem_release($s); usleep(500); } echo $n;"},
                       folder / "php.log");
  check_with_kills(pool, nginx.url(), [&] {
    folder.write("stop", "");
    CHECK(php.wait() == 0);
    return std::stoll(php.log());
  });
  CHECK(support::php("echo shm_get_var(shm_attach(" + number + "), 1);") == "one");
}
