#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/site.hpp"
#include "sysv/semaphore.hpp"

using support::Client;
using support::Nginx;
using support::Pool;

namespace {

struct Site : support::Scratch {
  support::Folder folder;
};

}  // namespace

TEST_CASE_METHOD(Site, "A visit through nginx answers the tutorial's line, never cached") {
  const Pool pool(folder, key, 2);
  const Nginx nginx(folder);
  const support::Answer answer = support::get(nginx.url());
  CHECK(answer.status == 200);
  CHECK(answer.body == "1 visits so far");
  CHECK_THAT(answer.headers, support::contains("Content-Type: text/html; charset=UTF-8\r\n"));
  CHECK_THAT(answer.headers, support::contains("Cache-Control: no-store\r\n"));
}

TEST_CASE_METHOD(Site, "nginx answers for itself, the pool for its readiness, and neither counts") {
  const Pool pool(folder, key, 2);
  const Nginx nginx(folder);
  CHECK(support::get(nginx.url("/healthz")).body == "alive\n");
  CHECK(support::get(nginx.url("/readyz")).body == "ready\n");
  CHECK(support::get(nginx.url("/robots.txt")).status == 200);
  CHECK(support::get(nginx.url("/favicon.ico")).status == 204);
  CHECK(support::count_at(key) == 0);
}

// php-fpm with two workers answers the first two and leaves the rest hanging.
TEST_CASE_METHOD(Site, "Two workers serve forty kept connections, and none waits for an idle one") {
  const Pool pool(folder, key, 2);
  const Nginx nginx(folder);
  const support::Load load = support::ab({"-k", "-n2000", "-c40"}, nginx.url());
  CHECK(load.complete == 2000);
  CHECK(load.failed + load.non_2xx == 0);
  std::vector<std::unique_ptr<Client>> clients(40);
  for (auto& client : clients) client = std::make_unique<Client>();
  for (int round = 0; round < 3; ++round) {
    for (auto& client : clients) CHECK(client->get(nginx.url()).status == 200);
  }
  CHECK(support::count_at(key) == 2120);
}

TEST_CASE_METHOD(Site, "A pool listens on TCP as well") {
  const int port = support::free_port();
  const std::string address = "127.0.0.1:" + std::to_string(port);
  support::Program program(
      {VISITSD, "-F", "-d", "listen=" + address, "-d", "visits.key=" + sysv::text_of(key)},
      folder / "visitsd.log");
  const Nginx nginx(folder, "  upstream tcp { server " + address + "; keepalive 4; }\n",
                    "    location /tcp { fastcgi_pass tcp; fastcgi_keep_conn on; "
                    "fastcgi_param REQUEST_METHOD GET; fastcgi_param REQUEST_URI /; }\n");
  CHECK(support::eventually([&] { return support::get(nginx.url("/tcp")).status == 200; }));
  CHECK(support::ab({"-k", "-n500", "-c10"}, nginx.url("/tcp")).non_2xx == 0);
  CHECK(support::count_at(key) == 501);
  program.signal(SIGTERM);
  CHECK(program.wait() == 0);
}

TEST_CASE_METHOD(Site, "A worker that dies is replaced, and its death is said") {
  Pool pool(folder, key, 3);
  const pid_t victim = pool.workers().front();
  kill(victim, SIGKILL);
  CHECK(support::eventually([&] {
    const auto workers = pool.workers();
    return workers.size() == 3 && workers.front() != victim;
  }));
  CHECK_THAT(pool.log(),
             support::contains("worker " + std::to_string(victim) + " ended on signal 9 (Killed)"));
}

TEST_CASE_METHOD(Site,
                 "A pool that was started with its children's ends ignored replaces them, too") {
  support::Program pool({"sh", "-c", "trap '' CHLD; exec \"$@\"", "sh", VISITSD, "-F", "-d",
                         "listen=" + folder / "visits.sock", "-d", "pm.max_children=2", "-d",
                         "visits.key=" + sysv::text_of(key)},
                        folder / "visitsd.log");
  REQUIRE(support::eventually([&] { return support::workers_of(pool.pid()).size() == 2; }));
  const pid_t victim = support::workers_of(pool.pid()).front();
  kill(victim, SIGKILL);
  CHECK(support::eventually([&] {
    const auto workers = support::workers_of(pool.pid());
    return workers.size() == 2 && workers.front() != victim;
  }));
  pool.signal(SIGTERM);
  CHECK(pool.wait() == 0);
}

TEST_CASE_METHOD(Site, "When the master is killed its workers die, and a new pool starts at once") {
  std::vector<pid_t> workers;
  {
    Pool pool(folder, key, 3);
    workers = pool.workers();
    pool.master().signal(SIGKILL);
    pool.master().wait();
  }
  Pool again(folder, key, 3);
  CHECK(again.workers().size() == 3);
  for (const pid_t worker : workers) {
    CHECK(support::eventually([&] { return kill(worker, 0) == -1; }));
  }
}

// Under load a worker is stopped again and again until it is one that holds the lock.
TEST_CASE_METHOD(Site, "A worker killed while it holds the lock never stalls the others") {
  Pool pool(folder, key, 2);
  const Nginx nginx(folder);
  support::Program load({"ab", "-q", "-l", "-r", "-t30", "-n1000000", "-c4", nginx.url()},
                        folder / "ab.log");
  const sysv::Semaphore watcher(key);
  const auto is_held_by = [&](pid_t worker) {
    kill(worker, SIGSTOP);
    for (int look = 0; look < 20; ++look) {
      if (semctl(watcher.id(), 0, GETVAL) != 0) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  };
  const pid_t victim = pool.workers().front();
  REQUIRE(support::eventually([&] {
    if (is_held_by(victim)) return true;
    kill(victim, SIGCONT);
    return false;
  }));
  kill(victim, SIGKILL);
  const std::int64_t count = support::count_at(key);
  CHECK(support::eventually([&] { return support::count_at(key) > count + 100; }));
}

TEST_CASE_METHOD(Site, "TERM, INT and QUIT each let a request that is being answered finish") {
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
    CAPTURE(signal);
    Pool pool(folder, key, 2);
    const Nginx nginx(folder);
    sysv::Semaphore mine(key);
    REQUIRE(mine.try_acquire());
    support::Answer answer;
    std::thread visitor([&] { answer = support::get(nginx.url()); });
    REQUIRE(support::eventually([&] { return semctl(mine.id(), 0, GETNCNT) == 1; }));
    pool.master().signal(signal);
    REQUIRE(support::eventually([&] { return access(pool.socket().c_str(), F_OK) == -1; }));
    mine.release();
    visitor.join();
    CHECK(answer.status == 200);
    CHECK(pool.master().wait() == 0);
  }
}

TEST_CASE_METHOD(Site, "A stop in the middle of load loses no visit that was answered") {
  for (int round = 0; round < 5; ++round) {
    const std::int64_t before = support::count_at(key);
    Pool pool(folder, key, 4);
    const Nginx nginx(folder);
    int answered = 0;
    std::thread visitor([&] {
      Client client;
      while (client.get(nginx.url()).status == 200) ++answered;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    pool.master().signal(SIGTERM);
    CHECK(pool.master().wait() == 0);
    visitor.join();
    CHECK(support::count_at(key) - before == answered);
  }
}
