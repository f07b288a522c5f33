#include <csignal>
#include <string>
#include <thread>

#include "os/process.hpp"
#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/connection.hpp"
#include "support/records.hpp"
#include "support/scratch.hpp"
#include "support/site.hpp"

using support::contains;
using support::eventually;
using support::get;

namespace {

// visitsd with nginx in front of it.
struct Site : support::Scratch {
  support::Folder folder;
  int port = support::free_port();
  std::string url = "http://127.0.0.1:" + std::to_string(port);

  support::Words words(const support::Words& environment = {}) const {
    support::Words words = {"env", "STATE=" + folder.path().string(),
                            "PORT=" + std::to_string(port), "NGINX_USER=root"};
    words.insert(words.end(), environment.begin(), environment.end());
    words.insert(words.end(), {VISITSD, "-F"});
    for (const std::string& directive :
         {"listen=" + folder / "visits.sock", "visits.key=" + sysv::text_of(key),
          std::string("pm.max_children=2"), std::string("visits.log_format=json")}) {
      words.insert(words.end(), {"-d", directive});
    }
    words.insert(words.end(), {"--", REPOSITORY "/nginx/front"});
    return words;
  }

  bool is_up() const {
    return eventually([&] { return get(url + "/readyz").status == 200; });
  }

  static pid_t front(pid_t master) {
    for (const pid_t child : support::children_of(master)) {
      if (support::contents_of("/proc/" + std::to_string(child) + "/comm") == "nginx\n") {
        return child;
      }
    }
    return 0;
  }
};

}  // namespace

TEST_CASE_METHOD(Site, "A reload of the pool leaves nginx as it is, and its log where it was") {
  support::Program pool(words(), folder / "log");
  REQUIRE(is_up());
  const pid_t nginx = front(pool.pid());
  const auto times_ready = [&] {
    int times = 0;
    const std::string log = pool.log();
    for (auto at = log.find("ready to handle"); at != std::string::npos; ++times) {
      at = log.find("ready to handle", at + 1);
    }
    return times;
  };
  pool.signal(SIGUSR2);
  CHECK(eventually([&] { return times_ready() == 2; }));
  CHECK(get(url).body == "1 visits so far");
  CHECK(front(pool.pid()) == nginx);
  const auto nginx_worker = support::children_of(nginx).front();
  kill(nginx_worker, SIGKILL);  // nginx says so
  CHECK(eventually([&] { return contains("exited on signal 9").match(pool.log()); }));
  CHECK_THAT(pool.log(), contains("\"severity\":\"ERROR\""));
  kill(nginx, SIGKILL);
  CHECK(eventually([&] { return front(pool.pid()) != nginx && front(pool.pid()) != 0; }));
  REQUIRE(is_up());
  CHECK(get(url).body == "2 visits so far");
  pool.signal(SIGTERM);
  CHECK(pool.wait() == 0);
}

TEST_CASE_METHOD(Site,
                 "A stop lets a request that nginx has begun complete, and then exits with 0") {
  support::Program pool(words(), folder / "log");
  REQUIRE(is_up());
  const auto workers = support::workers_of(pool.pid());
  for (const pid_t worker : workers) support::halt(worker);
  std::string body;
  std::thread slow([&] { body = get(url + "/slow").body; });
  usleep(200'000);  // on its way
  pool.signal(SIGTERM);
  usleep(100'000);
  for (const pid_t worker : workers) kill(worker, SIGCONT);
  slow.join();
  CHECK(body == "1 visits so far");
  CHECK(pool.wait() == 0);
}

TEST_CASE_METHOD(Site, "What nginx/front cannot render is said in one sentence, and is exit 78") {
  const std::string wrong =
      GENERATE("PORT=http", "PORT=0x50", "HOPS=-1", "HOPS=many", "ACCESS_LOG=maybe", "ADDRESS=a b",
               "GOOGLE_CLOUD_PROJECT=a;b", "STATE=/no/such/folder", "NGINX_USER=a;b", "PORT=99999");
  CAPTURE(wrong);
  support::Program pool(words({wrong}), folder / "log");
  CHECK(pool.wait() == 78);
  CHECK_THAT(pool.log(), contains("\"message\":\"front: "));
}

TEST_CASE_METHOD(Site,
                 "The visitor is whom the proxies in front name, and not whom the client does") {
  const std::string forwarded = "9.9.9.9, 1.2.3.4, 35.191.0.1, 172.17.0.1";
  const std::string project = "the-department-of-visits.example.com:visits-of-the-year-2026";
  const auto logged = [&](const std::string& hops) {
    support::Program pool(
        words({"HOPS=" + hops, "ACCESS_LOG=all", "GOOGLE_CLOUD_PROJECT=" + project}),
        folder / ("log" + hops));
    REQUIRE(is_up());
    support::run({"curl", "-s", "-H", "X-Forwarded-For: " + forwarded, "-H",
                  "X-Cloud-Trace-Context: 0123456789abcdef0123456789abcdef/7;o=1", url + "/seen"});
    CHECK(eventually([&] { return contains("/seen").match(pool.log()); }));
    return pool.log();
  };
  CHECK_THAT(logged("0"),
             contains("\"severity\":\"INFO\"") && contains("\"remoteIp\":\"127.0.0.1\""));
  CHECK_THAT(logged("1"), contains("\"remoteIp\":\"35.191.0.1\""));
  const std::string two = logged("2");
  CHECK_THAT(two, contains("\"remoteIp\":\"1.2.3.4\""));
  CHECK_THAT(two, contains("\"projects/" + project + "/traces/0123456789abcdef0123456789abcdef\""));
  CHECK_THAT(logged("4"), contains("\"remoteIp\":\"127.0.0.1\""));  // too few entries
}

TEST_CASE_METHOD(Site,
                 "While the pool does not answer, visitors get a 503 and when to come again") {
  const support::Nginx nginx(folder);
  for (const char* path : {"/", "/readyz", "/status", "/metrics"}) {
    CAPTURE(path);
    const support::Answer answer = get(nginx.url(path));
    CHECK(answer.status == 503);
    CHECK_THAT(answer.headers,
               contains("Retry-After: 1\r\n") && contains("Cache-Control: no-store"));
  }
  CHECK(get(nginx.url("/healthz")).status == 200);
  CHECK(get(nginx.url("/_ah/health")).status == 200);
}
