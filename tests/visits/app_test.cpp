#include "visits/app.hpp"

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/scratch.hpp"
#include "sysv/semaphore.hpp"

using namespace std::chrono_literals;

namespace {

struct Site : support::Scratch {
  visits::Counter counter{{.key = key, .patience = 20ms}, [](const std::string&) {}};
  std::vector<std::string> reports;
  bool stopping = false;
  visits::App app{counter,
                  [this](const std::string& text) { reports.push_back(text); },
                  {.stopping = [this] { return stopping; }}};

  http::Response get(std::string_view target) {
    return answer(app, {.method = "GET", .target = target});
  }

  static http::Response answer(visits::App& app, const http::Request& request) {
    http::Response response;
    app.answer(request, response);
    return response;
  }
};

}  // namespace

TEST_CASE_METHOD(Site, "A visit answers the tutorial's body, with no newline") {
  const http::Response response = get("/");
  CHECK(response.status == 200);
  CHECK(response.content_type == "text/html; charset=UTF-8");
  CHECK(response.body == "1 visits so far");
  CHECK(get("/").body == "2 visits so far");
}

TEST_CASE_METHOD(Site, "Any path counts, with any query") {
  CHECK(get("/a/b.php?x=1").body == "1 visits so far");
  CHECK(get("/readyz/").body == "2 visits so far");
  CHECK(get("*").body == "3 visits so far");
}

TEST_CASE_METHOD(Site, "A page that is kept for later counts nothing") {
  for (const char* page : {"/status", "/ping?x", "/metrics"}) CHECK(get(page).status == 404);
  CHECK(counter.count() == 0);
}

TEST_CASE_METHOD(Site,
                 "What was answered is in the statistics, and only what was counted a visit") {
  visits::Statistics statistics(1);
  visits::App kept(counter, [](const std::string&) {}, {.row = &statistics[0]});
  const std::array<const char*, 2> parameters = {"REQUEST_START=1000000000.000", nullptr};
  answer(kept, {.method = "GET", .target = "/", .parameters = parameters.data()});
  answer(kept, {.method = "GET", .target = "/readyz"});
  answer(kept, {.method = "GET", .target = "/status"});
  sysv::Semaphore holder(key);
  REQUIRE(holder.try_acquire());
  answer(kept, {.method = "GET", .target = "/"});
  const auto totals = statistics.totals();
  CHECK(totals.answers == std::array<std::uint64_t, 8>{2, 0, 1, 0, 0, 1, 0, 0});
  CHECK(totals.visits == 1);
  CHECK(totals.service.count() == 4);
  CHECK(totals.service.sum >= 20ms);  // the lock was waited for
  CHECK(totals.queue.count() == 1);
  CHECK(totals.queue.counts.back() == 1);  // since 2001
}

TEST_CASE_METHOD(Site, "Readiness is the counter's, and counts nothing") {
  CHECK(get("/readyz").status == 200);
  CHECK(get("/readyz?probe").status == 200);
  CHECK(counter.count() == 0);
}

TEST_CASE_METHOD(Site, "A pool that stops is not ready, and still counts what comes") {
  stopping = true;
  CHECK(get("/readyz").status == 503);
  CHECK(get("/").body == "1 visits so far");
}

TEST_CASE_METHOD(Site, "A visit that cannot be counted is a 503, and its reason is for the log") {
  sysv::Semaphore holder(key);
  REQUIRE(holder.try_acquire());
  const http::Response response = get("/");
  CHECK(response.status == 503);
  CHECK(response.retry_after == 1);
  CHECK_THAT(response.body, !support::contains("semaphore"));
  CHECK(get("/readyz").status == 503);
  REQUIRE(reports.size() == 2);
  CHECK_THAT(reports[0], support::contains("not counted: segment of key " + sysv::text_of(key)));
  CHECK_THAT(reports[1], support::contains("not ready: "));
}

TEST_CASE_METHOD(Site, "Every visit is an event, counted or not, and no other page is") {
  const support::ScratchKey queue_key;
  visits::Events events(queue_key.get(), sysv::owner_only, [](const std::string&) {});
  visits::App told(counter, [](const std::string&) {}, {.events = &events});
  answer(told, {.method = "GET", .target = "/page?x=1"});
  answer(told, {.method = "GET", .target = "/readyz"});
  sysv::Semaphore holder(key);
  REQUIRE(holder.try_acquire());
  answer(told, {.method = "GET", .target = "/lost"});
  const auto queue = sysv::Queue::open(queue_key.get());
  REQUIRE(queue.has_value());
  CHECK_THAT(
      queue->try_receive()->body,
      support::contains("s:4:\"path\";s:5:\"/page\";s:5:\"count\";i:1;s:6:\"status\";i:200;}"));
  CHECK_THAT(
      queue->try_receive()->body,
      support::contains("s:4:\"path\";s:5:\"/lost\";s:5:\"count\";N;s:6:\"status\";i:503;}"));
  CHECK_FALSE(queue->try_receive().has_value());
}
