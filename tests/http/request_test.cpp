#include "http/request.hpp"

#include "support/catch.hpp"

TEST_CASE("A path is the target up to its question mark") {
  CHECK(http::Request{.method = "GET", .target = "/a/b?x=1?y"}.path() == "/a/b");
  CHECK(http::Request{.method = "GET", .target = "/a/b"}.path() == "/a/b");
  CHECK(http::Request{.method = "GET", .target = "/?"}.path() == "/");
  CHECK(http::Request{.method = "OPTIONS", .target = "*"}.path() == "*");
}
