#include "visits/activity.hpp"

#include <array>
#include <string>
#include <vector>

#include "prefork/scoreboard.hpp"
#include "support/catch.hpp"

using visits::Activity;
using visits::ActivityBytes;
using visits::decode;
using visits::encode;

static_assert(std::tuple_size_v<ActivityBytes> <= prefork::Note::capacity);

namespace {

std::string long_text(std::size_t size) { return std::string(size, 'x'); }

}  // namespace

TEST_CASE("An activity is decoded as it was encoded") {
  ActivityBytes room;
  const auto bytes = encode({.method = "POST",
                             .uri = "/a/b",
                             .query = "x=1&y=2",
                             .user = "anna",
                             .script = "/srv/index.php",
                             .remote = "2001:db8::1",
                             .content_length = 1ULL << 40U},
                            room);
  const auto activity = decode(bytes);
  REQUIRE(activity.has_value());
  CHECK(activity->method == "POST");
  CHECK(activity->uri == "/a/b");
  CHECK(activity->query == "x=1&y=2");
  CHECK(activity->user == "anna");
  CHECK(activity->script == "/srv/index.php");
  CHECK(activity->remote == "2001:db8::1");
  CHECK(activity->content_length == 1ULL << 40U);
  CHECK(decode(encode({}, room))->method.empty());
}

TEST_CASE("A request's activity is what the web server says of it") {
  const std::array<const char*, 5> parameters = {"REMOTE_USER=anna", "SCRIPT_FILENAME=/srv/x.php",
                                                 "REMOTE_ADDR=::1", "CONTENT_LENGTH=12", nullptr};
  const Activity activity =
      visits::activity_of({.method = "PUT", .target = "/a?b=1?c", .parameters = parameters.data()});
  CHECK(activity.method == "PUT");
  CHECK(activity.uri == "/a");
  CHECK(activity.query == "b=1?c");
  CHECK(activity.user == "anna");
  CHECK(activity.script == "/srv/x.php");
  CHECK(activity.remote == "::1");
  CHECK(activity.content_length == 12);
}

TEST_CASE("What the web server does not say is empty, and a length that is none is 0") {
  CHECK(visits::activity_of({.method = "GET", .target = "/a"}).query.empty());
  CHECK(visits::activity_of({.method = "GET", .target = "/a?"}).query.empty());
  CHECK(visits::activity_of({.method = "GET", .target = "/a"}).user.empty());
  const std::array<const char*, 2> parameters = {"CONTENT_LENGTH=", nullptr};
  CHECK(visits::activity_of({.method = "GET", .target = "/", .parameters = parameters.data()})
            .content_length == 0);
}

TEST_CASE("Texts that are too long are cut, each for itself") {
  ActivityBytes room;
  const std::string text = long_text(5000);
  const auto bytes = encode({text, text, text, text, text, text}, room);
  CHECK(bytes.size() == room.size());
  const auto activity = decode(bytes);
  REQUIRE(activity.has_value());
  CHECK(activity->method == long_text(16));
  CHECK(activity->uri == long_text(256));
  CHECK(activity->query == long_text(384));
  CHECK(activity->user == long_text(32));
  CHECK(activity->script == long_text(256));
  CHECK(activity->remote == long_text(46));
}

TEST_CASE("No character is cut in two, and bytes that are none are cut all the same") {
  ActivityBytes room;
  for (std::size_t before = 13; before <= 16; ++before) {
    const std::string text = long_text(before) + "\xf0\x9f\x98\x80";
    CHECK(decode(encode({.method = text}, room))->method == long_text(before));
  }
  CHECK(decode(encode({.method = std::string(40, '\x80')}, room))->method.size() >= 13);
}

TEST_CASE("Bytes that no activity has are refused, wherever they are damaged") {
  ActivityBytes room;
  const auto bytes = encode({.method = "GET", .uri = "/a", .query = "b"}, room);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode(bytes.first(size)).has_value());
  }
  CHECK_FALSE(decode(std::span(room).first(bytes.size() + 1)).has_value());
  for (std::size_t length = 0; length < 12; ++length) {
    ActivityBytes damaged = room;
    damaged[length] = std::byte{0xff};
    CHECK_FALSE(decode(std::span(damaged)).has_value());
  }
}
