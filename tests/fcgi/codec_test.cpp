#include "fcgi/codec.hpp"

#include <sys/socket.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/connection.hpp"
#include "support/records.hpp"

using support::begin;
using support::KeepConnection;
using support::params;

namespace {

struct Line {
  os::Descriptor web_server;
  os::Descriptor connection;
  fcgi::Codec codec;

  Line() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    connection = os::Descriptor(ends[0]);
    web_server = os::Descriptor(ends[1]);
  }

  static std::string request(const support::Parameters& parameters) {
    return begin(KeepConnection::no) + params(parameters) + support::in("");
  }
};

}  // namespace

TEST_CASE_METHOD(Line, "A handler sees every parameter, by its name") {
  std::vector<std::string> seen;
  const std::string text = request({{"REQUEST_METHOD", "GET"},
                                    {"REQUEST_URI", "/a?b"},
                                    {"REMOTE_ADDR", "192.0.2.1"},
                                    {"REQUEST_START", "1764000000.125"}});
  CHECK(codec.answer({text}, connection.get(),
                     [&](const http::Request& asked, http::Response& response) {
                       seen = {std::string(asked.method), std::string(asked.target),
                               std::string(asked.parameter("REMOTE_ADDR"))};
                       CHECK(asked.start());
                       response.body = "seen";
                     }));
  CHECK(seen == std::vector<std::string>{"GET", "/a?b", "192.0.2.1"});
  CHECK(support::answer_on(web_server.get()) == http::cgi_text({.body = "seen"}));
}

TEST_CASE_METHOD(Line, "Requests of any length follow each other, and none sees the one before") {
  // Those of one length pass every place of a reader's buffer, and then the end of what is kept.
  std::vector<std::size_t> sizes(2000, 97);
  sizes.insert(sizes.begin(), {10U, 60'000U, 1U, 8192U, 3U});
  for (const std::size_t size : sizes) {
    const std::string target = "/" + std::string(size, 'x');
    std::string seen;
    CHECK(codec.answer({request({{"REQUEST_METHOD", "GET"}, {"REQUEST_URI", target}})},
                       connection.get(),
                       [&](const http::Request& asked, http::Response&) { seen = asked.target; }));
    CHECK(seen == target);
    CHECK(support::answer_on(web_server.get()));
  }
}

TEST_CASE_METHOD(Line, "The connection stays its owner's, also when it takes no answer") {
  const std::string text = request({{"REQUEST_METHOD", "GET"}, {"REQUEST_URI", "/"}});
  const auto handler = [](const http::Request&, http::Response&) {};
  CHECK(codec.answer({text}, connection.get(), handler));
  web_server.close();
  CHECK_FALSE(codec.answer({text}, connection.get(), handler));
  CHECK(support::is_readable(connection.get()));  // it is open still: its end can be read
}

TEST_CASE_METHOD(Line, "A handler that throws leaves a codec that goes on") {
  const std::string text = request({{"REQUEST_METHOD", "GET"}, {"REQUEST_URI", "/"}});
  CHECK_THROWS(codec.answer({text}, connection.get(), [](const http::Request&, http::Response&) {
    throw std::runtime_error("no answer");
  }));
  CHECK(codec.answer({text}, connection.get(), [](const http::Request&, http::Response& response) {
    response.body = "again";
  }));
  CHECK(support::answer_on(web_server.get()) == http::cgi_text({.body = "again"}));
}

TEST_CASE_METHOD(Line, "The memory of one large answer is not kept for those after it") {
  const std::string text = request({{"REQUEST_METHOD", "HEAD"}, {"REQUEST_URI", "/"}});
  std::size_t room = 0;
  for (const std::size_t size : {1'000'000U, 1U}) {
    CHECK(
        codec.answer({text}, connection.get(), [&](const http::Request&, http::Response& response) {
          room = response.body.capacity();
          response.body.assign(size, 'x');
        }));
    CHECK(support::answer_on(web_server.get()));
  }
  CHECK(room < 100'000);
}

TEST_CASE_METHOD(Line, "Without REQUEST_URI a request is for SCRIPT_NAME and QUERY_STRING") {
  std::vector<std::string> seen;
  const auto handler = [&](const http::Request& asked, http::Response&) {
    seen.emplace_back(asked.target);
  };
  const auto ask = [&](support::Parameters parameters) {
    parameters.emplace_back("REQUEST_METHOD", "GET");
    CHECK(codec.answer({request(parameters)}, connection.get(), handler));
    return support::answer_on(web_server.get()).value_or("no answer");
  };
  ask({{"SCRIPT_NAME", "/status"}, {"QUERY_STRING", "json&full"}});
  ask({{"SCRIPT_NAME", "/ping"}, {"QUERY_STRING", ""}});
  ask({{"REQUEST_URI", "/a"}, {"SCRIPT_NAME", "/b"}, {"QUERY_STRING", "c"}});
  CHECK(seen == std::vector<std::string>{"/status?json&full", "/ping", "/a"});
  CHECK_THAT(ask({{"QUERY_STRING", "x"}}), support::contains("Status: 400"));
}

TEST_CASE_METHOD(Line, "An answer to HEAD has no body, and tells its length") {
  CHECK(codec.answer(
      {request({{"REQUEST_METHOD", "HEAD"}, {"REQUEST_URI", "/"}})}, connection.get(),
      [](const http::Request&, http::Response& response) { response.body = "12345"; }));
  CHECK(support::answer_on(web_server.get()) ==
        http::cgi_text({.body = "12345"}, http::Body::left_out));
}
