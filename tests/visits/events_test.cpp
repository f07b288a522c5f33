#include "visits/events.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/scratch.hpp"
#include "sysv/queue.hpp"

namespace {

struct Watching : support::Scratch {
  std::vector<std::string> reports;
  visits::Events events{key, sysv::owner_only,
                        [this](const std::string& text) { reports.push_back(text); }};

  void send(std::string_view path) {
    events.send({.time = 1, .path = path, .count = 42, .status = 200});
  }
  std::string received() const { return sysv::Queue::open(key)->try_receive()->body; }
};

}  // namespace

TEST_CASE_METHOD(Watching, "An event is a serialized array of time, path, count and status") {
  send("/a");
  CHECK(received() ==
        "a:4:{s:4:\"time\";i:1;s:4:\"path\";s:2:\"/a\";s:5:\"count\";i:42;s:6:\"status\";i:200;}");
  CHECK(events.dropped() == 0);
}

TEST_CASE_METHOD(Watching, "A visit that was not counted is an event without a count") {
  events.send({.time = 1, .path = "/", .count = {}, .status = 503});
  CHECK_THAT(received(), support::contains("s:5:\"count\";N;s:6:\"status\";i:503;"));
}

TEST_CASE_METHOD(Watching, "A full queue drops events and counts them, and nobody waits") {
  send("/");
  sysv::Queue::open(key)->set({.capacity = 100});
  for (int i = 0; i < 5; ++i) send("/");
  CHECK(events.dropped() == 5);
  REQUIRE(reports.size() == 5);
  CHECK_THAT(reports[0], support::contains("event dropped: the queue of key " + sysv::text_of(key) +
                                           " is full"));
  received();
  send("/again");
  CHECK_THAT(received(), support::contains("/again"));
}

TEST_CASE_METHOD(Watching, "A queue that was removed is made anew with the next event") {
  send("/");
  sysv::Queue::open(key)->remove();
  send("/next");
  CHECK_THAT(received(), support::contains("/next"));
  CHECK(events.dropped() == 0);
}

TEST_CASE_METHOD(Watching, "The longest path a web server lets through still fits a message") {
  send(std::string(100'000, 'x'));
  CHECK_THAT(received(), support::contains("s:1024:\"xxx"));
}
