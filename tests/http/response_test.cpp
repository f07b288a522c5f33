#include "http/response.hpp"

#include "support/catch.hpp"

TEST_CASE("A response is CGI text: headers, an empty line, body") {
  CHECK(http::cgi_text({.body = "7 visits so far"}) ==
        "Status: 200 OK\r\n"
        "Content-Type: text/html; charset=UTF-8\r\n"
        "Content-Length: 15\r\n"
        "Cache-Control: no-store\r\n"
        "\r\n"
        "7 visits so far");
}

TEST_CASE("A response that asks to come back later says when") {
  CHECK(http::cgi_text(
            {.status = 503, .content_type = "text/plain", .body = "busy\n", .retry_after = 2}) ==
        "Status: 503 Service Unavailable\r\n"
        "Content-Type: text/plain\r\n"
        "Content-Length: 5\r\n"
        "Cache-Control: no-store\r\n"
        "Retry-After: 2\r\n"
        "\r\n"
        "busy\n");
}

TEST_CASE("A response without a body has the length 0") {
  CHECK_THAT(
      http::cgi_text({.status = 404, .body = ""}),
      support::contains("Status: 404 Not Found\r\n") && support::contains("Content-Length: 0\r\n"));
}

TEST_CASE("A response's length counts bytes, and its body may have any") {
  const std::string body("\0\xc3\xa4\n", 4);
  const std::string text = http::cgi_text({.body = body});
  CHECK_THAT(text, support::contains("Content-Length: 4\r\n"));
  CHECK(text.substr(text.size() - 4) == body);
}

TEST_CASE("A body that is left out is told by its length") {
  const std::string text = http::cgi_text({.body = "12345"}, http::Body::left_out);
  CHECK_THAT(text, support::contains("Content-Length: 5\r\n"));
  CHECK(text.ends_with("\r\n\r\n"));
}

TEST_CASE("A response says in its own words that it must not be kept") {
  const std::string text = http::cgi_text({.body = "", .caching = "Expires: 0"});
  CHECK_THAT(text, support::contains("\r\nExpires: 0\r\n"));
  CHECK_THAT(text, !support::contains("no-store"));
}

TEST_CASE("Every status that this service sends has its reason") {
  CHECK(http::reason_of(200) == "OK");
  CHECK(http::reason_of(400) == "Bad Request");
  CHECK(http::reason_of(404) == "Not Found");
  CHECK(http::reason_of(500) == "Internal Server Error");
  CHECK(http::reason_of(503) == "Service Unavailable");
  CHECK(http::reason_of(504) == "Gateway Timeout");
  CHECK(http::reason_of(299).empty());
}
