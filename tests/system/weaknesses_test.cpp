#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "os/descriptor.hpp"
#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/contender.hpp"
#include "support/records.hpp"

// What php-fpm does badly, done to php-fpm and to us by the same code, one after the other. Each
// test is about ours; what php-fpm did is written down beside it, in build/tests/weaknesses.md, as
// rows of a table.

using namespace std::chrono_literals;
using support::at_once;
using support::Contender;
using support::Crowd;
using support::eventually;
using support::timed_get;
using Kind = support::Contender::Kind;
using Milliseconds = std::chrono::milliseconds;

namespace {

// What happened, in words, and whether that is what one would want.
struct Finding {
  std::string text;
  bool good;
};

std::string text_of(Milliseconds time) { return std::to_string(time.count()) + " ms"; }
std::string counted(int number, const std::string& of) { return std::to_string(number) + " " + of; }

void compare(const std::string& row, const std::string& stimulus,
             const std::function<Finding(Kind)>& measure) {
  const Finding theirs = measure(Kind::php_fpm);
  const Finding ours = measure(Kind::visits);
  const auto folder = std::filesystem::path(SLOW_VISITSD).parent_path();
  std::ofstream(folder / "weaknesses.md", std::ios::app)
      << "| " << row << " | " << stimulus << " | " << theirs.text << " | " << ours.text << " |\n";
  INFO("php-fpm: " << theirs.text);
  INFO("visits: " << ours.text);
  CHECK(ours.good);
}

int number_of(const std::vector<support::Timed>& answers, int status) {
  return static_cast<int>(
      std::count_if(answers.begin(), answers.end(),
                    [=](const support::Timed& timed) { return timed.answer.status == status; }));
}

bool is_there(pid_t pid) { return kill(pid, 0) == 0; }

// Requests that hold their workers, for as long as this lives.
class Held {
 public:
  Held(const Contender& pool, int workers, Milliseconds time)
      : thread_([url = pool.url("/sleep/" + std::to_string(time.count())), workers] {
          at_once(workers, url, 30s);
        }) {
    eventually([&] { return pool.status("active processes") >= workers; });
  }
  ~Held() { thread_.join(); }

 private:
  std::thread thread_;
};

Crowd::Outcome reload_under_load(Contender& pool, Crowd::Method method, int reloads) {
  Crowd crowd(4, pool.url("/sleep/5"), method);
  for (int i = 0; i < reloads; ++i) {
    std::this_thread::sleep_for(400ms);
    pool.master().signal(SIGUSR2);
  }
  std::this_thread::sleep_for(400ms);
  return crowd.end();
}

}  // namespace

TEST_CASE("W1: a reload under load, with default settings, loses no request") {
  compare("W1", "4 reloads under load, default settings", [](Kind kind) {
    Contender pool(kind, {.keep = false});
    const auto outcome = reload_under_load(pool, Crowd::Method::get, 4);
    return Finding{counted(outcome.failed, "of ") + counted(outcome.sent, "requests failed"),
                   outcome.failed == 0 && outcome.sent > 10};
  });
}

TEST_CASE("W2: while a slow request holds up a reload, others are served") {
  compare("W2", "reload with one 3 s request in flight; the longest wait of others", [](Kind kind) {
    Contender pool(kind, {.global = {"process_control_timeout = 10s"}, .keep = false});
    const Held slow(pool, 1, 3s);
    Crowd crowd(3, pool.url(), Crowd::Method::get);
    std::this_thread::sleep_for(200ms);
    pool.master().signal(SIGUSR2);
    std::this_thread::sleep_for(3s);
    const auto outcome = crowd.end();
    return Finding{text_of(outcome.longest), outcome.failed == 0 && outcome.longest < 1s};
  });
}

TEST_CASE("W3: kept connections of nginx do not hold up a reload") {
  compare(
      "W3",
      "reload of an idle pool with kept connections, timeout 3 s; the slowest of 12 requests then "
      "took",
      [](Kind kind) {
        Contender pool(kind, {.global = {"process_control_timeout = 3s"}});
        at_once(8, pool.url("/sleep/50"), 3s);
        pool.master().signal(SIGUSR2);
        std::this_thread::sleep_for(100ms);
        const auto next = at_once(12, pool.url("/sleep/50"), 5s);
        const auto longest = std::max_element(next.begin(), next.end(),
                                              [](auto& a, auto& b) { return a.time < b.time; });
        return Finding{text_of(longest->time), number_of(next, 200) == 12 && longest->time < 1s};
      });
}

TEST_CASE("W4: no POST is lost in a reload, on kept connections") {
  compare("W4", "4 reloads under POSTs on kept connections", [](Kind kind) {
    Contender pool(kind, {.global = {"process_control_timeout = 5s"}});
    const auto outcome = reload_under_load(pool, Crowd::Method::post, 4);
    return Finding{counted(outcome.failed, "of ") + counted(outcome.sent, "POSTs lost"),
                   outcome.failed == 0 && outcome.sent > 10};
  });
}

TEST_CASE("W5: a reload with a mistake in the configuration leaves the old pool serving") {
  compare("W5", "reload with a typo in the configuration", [](Kind kind) {
    Contender pool(kind, {});
    pool.break_configuration();
    pool.master().signal(SIGUSR2);
    std::this_thread::sleep_for(1s);
    const int status = timed_get(pool.url(), 5s).answer.status;
    const bool ended = pool.master().has_ended();
    return Finding{ended ? "the master exits, then " + std::to_string(status)
                         : "refused, goes on with " + std::to_string(status),
                   !ended && status == 200};
  });
}

namespace {

// What a worker that dies while it writes there could leave: a one in the first word of every small
// piece of memory that the master shares with its workers.
void scribble_on_scoreboard(pid_t master) {
  std::ifstream maps("/proc/" + std::to_string(master) + "/maps");
  const os::Descriptor memory(
      open(("/proc/" + std::to_string(master) + "/mem").c_str(), O_WRONLY | O_CLOEXEC));
  for (std::string line; std::getline(maps, line);) {
    if (line.find("rw-s") == std::string::npos || line.find("/dev/zero") == std::string::npos) {
      continue;
    }
    const auto begin = std::stoull(line, nullptr, 16);
    const auto end = std::stoull(line.substr(line.find('-') + 1), nullptr, 16);
    if (end - begin > (1U << 20U)) continue;
    const std::int64_t one = 1;
    REQUIRE(pwrite(memory.get(), &one, sizeof one, static_cast<off_t>(begin)) == sizeof one);
  }
}

}  // namespace

TEST_CASE("W6: nothing that a worker leaves on the scoreboard stops workers or master") {
  compare("W6", "the scoreboard's lock left held by a dead worker", [](Kind kind) {
    Contender pool(kind, {.keep = false});
    scribble_on_scoreboard(pool.master().pid());
    std::this_thread::sleep_for(1100ms);  // the master looks at its scoreboard once a second
    const int status = number_of(at_once(4, pool.url(), 2s), 200) == 4 ? 200 : 0;
    pool.master().signal(SIGTERM);
    bool ended = false;
    for (int i = 0; i < 40 && !ended; ++i) {
      std::this_thread::sleep_for(50ms);
      ended = pool.master().has_ended();
    }
    const auto left = support::children_of(pool.master().pid());
    if (!ended) pool.master().signal(SIGKILL);
    for (const pid_t pid : left) kill(pid, SIGKILL);
    return Finding{(status == 200 ? std::string("serves on") : std::string("requests hang")) +
                       (ended ? ", TERM ends it" : ", TERM is not heard"),
                   status == 200 && ended};
  });
}

TEST_CASE("W7: a worker that cannot start is tried again with pauses") {
  compare("W7", "workers cannot start (chdir gone), one killed; failed starts in a second",
          [](Kind kind) {
            const support::Folder folder;
            const std::string directory = folder / "here";
            std::filesystem::create_directory(directory);
            Contender pool(kind, {.pool = {"pm.max_children = 2", "chdir = " + directory}});
            const auto workers = pool.workers();
            std::filesystem::remove(directory);
            kill(workers.at(0), SIGKILL);
            std::this_thread::sleep_for(1s);
            const std::string log = pool.master().log();
            const std::regex failure("(child|worker) [0-9]+ exited with code");
            const auto starts = std::distance(std::sregex_iterator(log.begin(), log.end(), failure),
                                              std::sregex_iterator());
            return Finding{std::to_string(starts), starts < 20};
          });
}

TEST_CASE("W8: the length of the queue is known, on a unix socket too") {
  compare("W8", "10 requests wait behind 2 held workers; the queue, says the status page",
          [](Kind kind) {
            Contender pool(kind, {.pool = {"pm.max_children = 2"}});
            const Held held(pool, 2, 1500ms);
            std::thread others([&] { at_once(10, pool.url(), 5s); });
            std::this_thread::sleep_for(500ms);
            const auto queue = pool.status("listen queue");
            others.join();
            return Finding{std::to_string(queue), queue >= 9 && queue <= 11};
          });
}

TEST_CASE("W9: status and ping answer while every worker is held") {
  compare("W9", "both workers held for 1.5 s; status, ping answer after", [](Kind kind) {
    Contender pool(kind, {.pool = {"pm.max_children = 2"}});
    const Held held(pool, 2, 1500ms);
    const auto status = timed_get(pool.url("/status"), 5s);
    const auto ping = timed_get(pool.url("/ping"), 5s);
    return Finding{text_of(status.time) + ", " + text_of(ping.time),
                   status.answer.status == 200 && ping.answer.body == "pong" &&
                       status.time < 500ms && ping.time < 500ms};
  });
}

TEST_CASE("W10: a listen queue that is full is said") {
  compare("W10", "listen.backlog = 4, 2 busy workers, 30 clients at once", [](Kind kind) {
    Contender pool(kind, {.pool = {"pm.max_children = 2", "listen.backlog = 4"}, .keep = false});
    const Held busy(pool, 2, 1s);
    const auto answers = at_once(30, pool.url("/sleep/300"), 30s);
    std::this_thread::sleep_for(1100ms);
    const bool said = pool.master().log().find("queue") != std::string::npos;
    return Finding{counted(number_of(answers, 502), "refused (502)") +
                       (said ? ", and the log says why" : ", and no word in the log"),
                   said};
  });
}

TEST_CASE("W11: requests whose client has gone are not executed") {
  compare("W11", "5 clients give up in the queue; requests executed for nobody", [](Kind kind) {
    Contender pool(kind, {.pool = {"pm.max_children = 1"}, .keep = false});
    const auto before = pool.executed();
    {
      const Held held(pool, 1, 1200ms);
      at_once(5, pool.url("/wait"), 300ms);
    }
    timed_get(pool.url(), 5s);
    const auto executed = pool.executed() - before - 2;  // the one that held, and the last one
    return Finding{std::to_string(executed), executed == 0};
  });
}

namespace {

os::Descriptor peer_of(const Contender& pool, const std::string& bytes) {
  os::Descriptor connection = support::connection_to(pool.socket());
  support::send(connection.get(), bytes);
  return connection;
}

// How long the next one waits behind as many of these as there are workers.
Milliseconds wait_behind(Kind kind, const std::function<std::string(const Contender&)>& bytes) {
  Contender pool(kind, {.pool = {"pm.max_children = 2"}, .keep = false});
  std::vector<os::Descriptor> peers;
  for (int i = 0; i < 2; ++i) peers.push_back(peer_of(pool, bytes(pool)));
  std::this_thread::sleep_for(200ms);
  return timed_get(pool.url(), 4s).time;
}

std::string limited(Milliseconds time) { return time >= 3900ms ? "> 4 s" : text_of(time); }

}  // namespace

TEST_CASE("W12: silent, half-sent and never closed connections hold no worker") {
  compare("W12", "2 workers, 2 peers: silent; half a header; never closing. The next one waited",
          [](Kind kind) {
            const auto silent = wait_behind(kind, [](const Contender&) { return ""; });
            const auto half =
                wait_behind(kind, [](const Contender&) { return std::string("\1\1\0"); });
            const auto open = wait_behind(kind, [](const Contender& pool) {
              return support::begin(support::KeepConnection::no) +
                     support::params({{"REQUEST_METHOD", "GET"},
                                      {"REQUEST_URI", "/"},
                                      {"SCRIPT_FILENAME", pool.folder() / "page.php"}}) +
                     support::in("");
            });
            return Finding{limited(silent) + "; " + limited(half) + "; " + limited(open),
                           silent < 1s && half < 1s && open < 1s};
          });
}

TEST_CASE("W13: workers do not outlive their master, and a new one starts at once") {
  compare("W13", "kill -9 of the master; workers 2 s later", [](Kind kind) {
    Contender pool(kind, {});
    const auto workers = pool.workers();
    const auto children = support::children_of(pool.master().pid());
    pool.master().signal(SIGKILL);
    pool.master().wait();
    std::this_thread::sleep_for(2s);
    const auto left = std::count_if(workers.begin(), workers.end(), is_there);
    for (const pid_t pid : children) kill(pid, SIGKILL);
    return Finding{std::to_string(left) + " of " + std::to_string(workers.size()) + " serve on",
                   left == 0 && workers.size() == 4};
  });
}

TEST_CASE("W14: a second pool does not take the first one's pid file") {
  compare("W14", "a second pool with the same pid file", [](Kind kind) {
    const support::Folder folder;
    const std::string line = "pid = " + (folder / "pid");
    Contender pool(kind, {.global = {line}});
    const std::string before = support::contents_of(folder / "pid");
    const auto second = pool.another({line});
    std::this_thread::sleep_for(1s);
    const bool refused = second->has_ended();
    const bool kept = support::contents_of(folder / "pid") == before && !before.empty();
    return Finding{std::string(refused ? "refused" : "runs") +
                       (kept ? ", the file stays" : ", the file is overwritten"),
                   refused && kept && second->wait() == 78};
  });
}

TEST_CASE("W15: workers that are recycled lose no request on kept connections") {
  compare("W15", "pm.max_requests = 20, 8 clients on 4 workers, kept connections", [](Kind kind) {
    Contender pool(kind, {.pool = {"pm.max_children = 4", "pm.max_requests = 20"}});
    Crowd gets(4, pool.url(), Crowd::Method::get);
    Crowd posts(4, pool.url(), Crowd::Method::post);
    std::this_thread::sleep_for(1500ms);
    const auto post = posts.end();
    const auto get = gets.end();
    const auto longest = std::max(post.longest, get.longest);
    return Finding{counted(get.failed + post.failed, "of ") +
                       counted(get.sent + post.sent, "failed; longest ") + text_of(longest),
                   get.failed + post.failed == 0 && get.sent > 10 && longest < 2s};
  });
}

TEST_CASE("W16: a pool grows as fast as it is wanted") {
  compare("W16", "2 workers, 12 requests at once, 12 allowed; busy workers after 1 s",
          [](Kind kind) {
            Contender pool(kind,
                           {.pool = {"pm = dynamic", "pm.max_children = 12", "pm.start_servers = 2",
                                     "pm.min_spare_servers = 1", "pm.max_spare_servers = 3"}});
            std::thread crowd([&] { at_once(12, pool.url("/sleep/2000"), 30s); });
            std::this_thread::sleep_for(1s);
            const auto busy = pool.status("active processes");
            crowd.join();
            return Finding{std::to_string(busy), busy >= 12};
          });
}

TEST_CASE("W17: a request that takes too long gets an answer that says so") {
  compare("W17", "request_terminate_timeout = 1s; the client sees", [](Kind kind) {
    Contender pool(kind, {.pool = {"pm.max_children = 2", "request_terminate_timeout = 1s"}});
    const auto slow = timed_get(pool.url("/sleep/4000"), 10s);
    return Finding{std::to_string(slow.answer.status) + " after " + text_of(slow.time),
                   slow.answer.status == 504 && slow.time < 3s};
  });
}
