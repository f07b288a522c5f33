#include <arpa/inet.h>
#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "os/descriptor.hpp"
#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/connection.hpp"
#include "support/contender.hpp"
#include "support/records.hpp"
#include "support/site.hpp"

using namespace std::chrono_literals;
using support::at_once;
using support::Contender;
using support::Crowd;
using support::eventually;
using support::timed_get;

namespace {

struct Site : support::Scratch {
  support::Folder folder;
};

constexpr auto ours = Contender::Kind::visits;

sockaddr_in address(const char* host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

// A connection to that port of 127.0.0.1, from that address.
os::Descriptor connection_from(const char* host, int port) {
  os::Descriptor connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in mine = address(host, 0);
  const sockaddr_in theirs = address("127.0.0.1", port);
  bind(connection.get(), reinterpret_cast<const sockaddr*>(&mine), sizeof mine);
  connect(connection.get(), reinterpret_cast<const sockaddr*>(&theirs), sizeof theirs);
  return connection;
}

}  // namespace

TEST_CASE_METHOD(Site,
                 "A request that has waited for too long is a 503 with Retry-After, no visit") {
  const support::Pool pool(folder, key, 1, {"queue.max_age=300ms"});
  const support::Nginx nginx(folder);
  CHECK(support::get(nginx.url()).body == "1 visits so far");
  const pid_t worker = pool.workers().at(0);
  support::halt(worker);
  support::Answer late;
  std::thread client([&] { late = support::get(nginx.url()); });
  std::this_thread::sleep_for(600ms);
  kill(worker, SIGCONT);
  client.join();
  CHECK(late.status == 503);
  CHECK_THAT(late.headers, support::contains("Retry-After: "));
  CHECK(support::get(nginx.url()).body == "2 visits so far");
  CHECK_THAT(support::get(nginx.url("/metrics")).body, support::contains("refused"));
}

// The kernel wakes one worker for a connection, and that one may be about to leave. A single client
// shows it: nobody else's connection comes to wake another.
TEST_CASE_METHOD(Site, "No connection waits for a worker that was woken and leaves") {
  support::Pool pool(folder, key, 4);
  std::atomic<bool> over{false};
  std::thread restarts([&] {
    while (!over) {
      pool.master().signal(SIGUSR1);
      std::this_thread::sleep_for(20ms);
    }
  });
  int unanswered = 0;
  const auto end = std::chrono::steady_clock::now() + 3s;
  while (std::chrono::steady_clock::now() < end) {
    const os::Descriptor connection = support::connection_to(pool.socket());
    support::send(connection.get(), support::get_request("/"));
    unanswered += support::answer_on(connection.get()) ? 0 : 1;
  }
  over = true;
  restarts.join();
  CHECK(unanswered == 0);
}

TEST_CASE("Requests that wait in the queue during a reload are all answered, and counted once") {
  Contender pool(ours, {.pool = {"pm.max_children = 2"}, .keep = false});
  const auto before = pool.executed();
  std::thread holders([&] {
    const auto held = at_once(2, pool.url("/sleep/1500"), 10s);
    for (const auto& one : held) CHECK(one.answer.status == 200);
  });
  CHECK(eventually([&] { return pool.status("active processes") == 2; }));
  std::vector<support::Timed> queued;
  std::thread others([&] { queued = at_once(12, pool.url("/sleep/10"), 10s); });
  CHECK(eventually([&] { return pool.status("listen queue") >= 10; }));
  pool.master().signal(SIGUSR2);
  others.join();
  holders.join();
  CHECK(std::all_of(queued.begin(), queued.end(), [](auto& q) { return q.answer.status == 200; }));
  CHECK(pool.executed() - before == 14);
}

TEST_CASE_METHOD(Site, "Who is neither the socket's owner nor in its group is not let in") {
  if (support::lacks_root()) return;  // only root can become others
  const support::Pool pool(folder, key, 1, {"listen.owner=65533", "listen.group=65532"});
  const auto may_connect = [&](uid_t user, gid_t group) {
    return support::in_child([&] {
      if (setgroups(0, nullptr) == -1 || setgid(group) == -1 || setuid(user) == -1) return 2;
      return support::connection_to(pool.socket()) ? 1 : 0;
    });
  };
  CHECK(may_connect(65533, 65534) == 1);
  CHECK(may_connect(65534, 65532) == 1);
  CHECK(may_connect(65534, 65534) == 0);
}

TEST_CASE_METHOD(Site, "By TCP only those get an answer who are allowed to") {
  const int port = support::free_port();
  support::Program pool(
      {VISITSD, "-F", "-d", "listen=127.0.0.1:" + std::to_string(port), "-d",
       "listen.allowed_clients=127.0.0.2,127.0.0.3", "-d", "visits.key=" + sysv::text_of(key)},
      folder / "log");
  REQUIRE(eventually([&] { return pool.log().find("ready") != std::string::npos; }));
  const os::Descriptor stranger = connection_from("127.0.0.1", port);
  CHECK(support::ends(stranger.get()));
  const os::Descriptor friendly = connection_from("127.0.0.3", port);
  support::send(friendly.get(), support::get_request("/"));
  CHECK_THAT(support::answer_on(friendly.get()).value_or(""), support::contains("1 visits so far"));
}

TEST_CASE("A list of allowed clients that is none is refused before anything listens") {
  const support::Result result = support::run(
      {VISITSD, "-F", "-d", "listen=127.0.0.1:9", "-d", "listen.allowed_clients=localhost"});
  CHECK(result.code == 78);
  CHECK_THAT(result.text, support::contains("listen.allowed_clients"));
}

TEST_CASE("A request that takes too long costs its worker, and no other request") {
  Contender pool(ours, {.pool = {"pm.max_children = 3", "request_terminate_timeout = 500ms"}});
  Crowd crowd(6, pool.url(), Crowd::Method::get);
  const auto slow = at_once(2, pool.url("/sleep/5000"), 10s);
  CHECK(slow.at(0).answer.status == 504);
  CHECK(slow.at(1).answer.status == 504);
  CHECK(eventually([&] { return pool.status("total processes") == 3; }));
  const auto outcome = crowd.end();
  CHECK(outcome.failed == 0);
  CHECK(outcome.sent > 6);  // who meets a held worker waits for its end
}

TEST_CASE("A pool that grows and shrinks again loses no request and counts each once") {
  Contender pool(ours, {.pool = {"pm = dynamic", "pm.max_children = 12", "pm.start_servers = 2",
                                 "pm.min_spare_servers = 1", "pm.max_spare_servers = 2"}});
  const auto before = pool.executed();
  Crowd crowd(2, pool.url(), Crowd::Method::get);
  const auto burst = at_once(12, pool.url("/sleep/300"), 10s);
  const auto grown = pool.status("total processes");
  CHECK(std::all_of(burst.begin(), burst.end(), [](auto& b) { return b.answer.status == 200; }));
  CHECK(grown > 6);
  CHECK(eventually([&] { return pool.status("total processes") <= grown - 4; }));
  const auto outcome = crowd.end();
  CHECK(outcome.failed == 0);
  CHECK(pool.executed() - before == outcome.sent + 12);
}

TEST_CASE("A pool on demand has no workers without work") {
  Contender pool(ours,
                 {.pool = {"pm = ondemand", "pm.max_children = 4", "pm.process_idle_timeout = 1s"},
                  .keep = false});
  for (int i = 0; i < 2; ++i) {
    CHECK(timed_get(pool.url(), 5s).answer.status == 200);
    CHECK(eventually([&] { return pool.status("total processes") == 0; }));
  }
}

TEST_CASE("A pool on demand keeps one worker for the connections that nginx keeps") {
  Contender pool(
      ours, {.pool = {"pm = ondemand", "pm.max_children = 4", "pm.process_idle_timeout = 1s"}});
  at_once(4, pool.url("/sleep/200"), 5s);
  REQUIRE(eventually([&] { return pool.status("total processes") == 1; }));
  const auto worker = pool.workers();
  std::this_thread::sleep_for(2500ms);
  CHECK(pool.workers() == worker);
  CHECK(timed_get(pool.url(), 5s).answer.status == 200);
}

TEST_CASE("Logs reopened under load on kept connections lose no line and no request") {
  const support::Folder folder;
  const std::string log = folder / "access.log";
  Contender pool(ours, {.pool = {"pm.max_children = 4", "access.log = " + log}});
  const auto before = pool.executed();
  const std::string first = support::contents_of(log);
  Crowd gets(4, pool.url(), Crowd::Method::get);
  Crowd posts(2, pool.url(), Crowd::Method::post);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(300ms);
    rename(log.c_str(), (log + std::to_string(i)).c_str());
    pool.master().signal(SIGUSR1);
  }
  std::this_thread::sleep_for(300ms);
  const auto post = posts.end();
  const auto get = gets.end();
  CHECK(get.failed + post.failed == 0);
  std::string lines = support::contents_of(log);
  for (int i = 0; i < 5; ++i) lines += support::contents_of(log + std::to_string(i));
  const auto count = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  CHECK(count(lines) - count(first) == get.sent + post.sent);
  CHECK(pool.executed() - before == get.sent + post.sent);
}
