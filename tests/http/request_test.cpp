#include "http/request.hpp"

#include <array>

#include "support/catch.hpp"

using namespace std::chrono_literals;

namespace {

std::optional<std::chrono::milliseconds> start_of(const char* pair) {
  const std::array<const char*, 2> parameters = {pair, nullptr};
  const auto start =
      http::Request{.method = "GET", .target = "/", .parameters = parameters.data()}.start();
  if (!start) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(start->time_since_epoch());
}

}  // namespace

TEST_CASE("A path is the target up to its question mark") {
  CHECK(http::Request{.method = "GET", .target = "/a/b?x=1?y"}.path() == "/a/b");
  CHECK(http::Request{.method = "GET", .target = "/a/b"}.path() == "/a/b");
  CHECK(http::Request{.method = "GET", .target = "/?"}.path() == "/");
  CHECK(http::Request{.method = "OPTIONS", .target = "*"}.path() == "*");
}

TEST_CASE("A parameter is found by its whole name, the first of several") {
  const std::array<const char*, 6> parameters = {"QUERY_STRING=a=1&b",
                                                 "REMOTE_ADDRESS=no",
                                                 "REMOTE_ADDR=::1",
                                                 "REMOTE_ADDR=::2",
                                                 "EMPTY=",
                                                 nullptr};
  const http::Request request{.method = "GET", .target = "/", .parameters = parameters.data()};
  CHECK(request.parameter("QUERY_STRING") == "a=1&b");
  CHECK(request.parameter("REMOTE_ADDR") == "::1");
  CHECK(request.parameter("EMPTY").empty());
  CHECK(request.parameter("REMOTE").empty());
  CHECK(request.parameter("MISSING").empty());
  CHECK(http::Request{.method = "GET", .target = "/"}.parameter("REMOTE_ADDR").empty());
}

TEST_CASE("A request's start is nginx's time, to the millisecond") {
  CHECK(start_of("REQUEST_START=1764000000.007") == 1764000000007ms);
  CHECK(start_of("REQUEST_START=0.000") == 0ms);
}

TEST_CASE("What is no time in nginx's form is no start") {
  for (const char* pair :
       {"REQUEST_START=", "REQUEST_START=1764000000", "REQUEST_START=1764000000.",
        "REQUEST_START=.123", "REQUEST_START=1764000000.12", "REQUEST_START=1764000000.1234",
        "REQUEST_START=-1.000", "REQUEST_START=1.-12", "REQUEST_START=1764000000.12x",
        "REQUEST_START=99999999999.000", "REQUEST_START=9999999999.000", "OTHER=1.000"}) {
    CAPTURE(pair);
    CHECK_FALSE(start_of(pair));
  }
}
